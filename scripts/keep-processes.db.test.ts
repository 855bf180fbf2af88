import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { createTestDatabase } from "@aibos/local-postgres/testing";
import { notesArchive } from "../packages/control-plane/src/testing/notes-module.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "./crash-test/control-plane-process.ts";
import { moduleProcesses } from "./crash-test/inspection.ts";

test("versions serve on while a control plane is stopped and started, and gateways are told of nothing", async () => {
  const database = await createTestDatabase();
  const dataFolder = await realpath(await mkdtemp(join(tmpdir(), "aibos-keep-")));
  const client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  const start = (keep: "0" | "1", port = 0): Promise<ControlPlaneProcess> =>
    startControlPlaneProcess({
      dataFolder,
      databaseUrl: database.url,
      port,
      environment: { AIBOS_KEEP_PROCESSES: keep },
    });
  const revision = async (): Promise<unknown> => (await client.query("select revision from aibos.route_head")).rows[0];
  const deployment = async ({ service }: ControlPlaneProcess) => (await service.listDeployments()).items[0];
  let running: ControlPlaneProcess | undefined;
  try {
    running = await start("1");
    await running.service.publish(await notesArchive("1.0.0"));
    await running.service.createTenant({ id: "acme" });
    await running.service.install("acme", "notes", "1.0.0");
    const before = await deployment(running);
    const told = await revision();
    expect(await running.stop()).toBe(0);
    expect((await fetch(before?.url ?? "")).status).toBe(200);

    // At the same address, where the processes follow their flags.
    running = await start("0", Number(new URL(running.url).port));
    // Known by the next control plane, also while it has not looked at the process yet.
    expect((await deployment(running))?.url).toBe(before?.url);
    const again = running;
    await expect
      .poll(() => deployment(again), { timeout: 30_000 })
      .toMatchObject({ state: "healthy", pid: before?.pid, url: before?.url });
    expect(await revision()).toEqual(told);
    await running.stop();
    expect(await moduleProcesses(dataFolder)).toEqual([]);
  } finally {
    await running?.kill();
    await client.end();
    await database.drop();
    await rm(dataFolder, { recursive: true, force: true });
  }
}, 120_000);
