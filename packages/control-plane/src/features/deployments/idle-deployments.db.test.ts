import pino from "pino";
import { expect, test } from "vitest";
import { parseModuleId, parseVersion } from "@aibos/domain";
import type { DeploymentStatus, RuntimeDriver } from "../../runtime/runtime-driver.ts";
import { seedVersion } from "../../testing/test-catalog.ts";
import { createTestControl } from "../../testing/test-control.ts";
import { createGatewayReadModel } from "../gateways/gateway-read-model.ts";
import { loadInstallation } from "../installation/installation.ts";
import { createModuleReadModel } from "../modules/module-read-model.ts";
import { createDeployments } from "./deployments.ts";

const NAME = { module: parseModuleId("notes"), version: parseVersion("1.0.0") };

test("a version that no tenant uses leaves the routes, is stopped, and is started again when it is asked for", async () => {
  await using control = await createTestControl();
  const { database, notifications } = control;
  await seedVersion(database, "notes", "1.0.0");
  await database.pool.query("insert into control_plane_processes (id, host, home, pid) values ('cp', 'h', '/', 1)");
  const events: string[] = [];
  const running: DeploymentStatus = {
    ...NAME,
    state: "healthy",
    url: "http://127.0.0.1:1",
    pid: 1,
    restarts: 0,
    lastError: null,
  };
  let runs = false;
  const driver: RuntimeDriver = {
    outputEnd: async () => 0,
    outputSince: async () => [],
    async ensure() {
      runs = true;
      events.push("started");
      return running;
    },
    async stop() {
      const { rows } = await database.pool.query("select url from deployments");
      events.push(`stopped, and the routes say ${JSON.stringify(rows)}`);
      runs = false;
    },
    list: () => (runs ? [NAME] : []),
    usage: async () => [],
    onChange: () => () => undefined,
    close: async () => undefined,
  };
  const deployments = createDeployments({
    database,
    installation: await loadInstallation(database),
    modules: createModuleReadModel(database),
    gateways: createGatewayReadModel({ database, notifications, now: Date.now }),
    driver,
    executorId: "cp",
    dataUrl: control.url,
    log: pino({ level: "silent" }),
    idleSeconds: 0.05,
    lookEveryMs: 10,
    flagFeed: async () => null,
  });
  try {
    expect(await deployments.ensure(NAME)).toBe(running.url);
    await expect
      .poll(() => events, { timeout: 20_000 })
      .toEqual(["started", 'stopped, and the routes say [{"url":null}]']);
    expect(await deployments.ensure(NAME)).toBe(running.url);
    expect(events.at(-1)).toBe("started");
  } finally {
    await deployments.close({ keepProcesses: false });
  }
});
