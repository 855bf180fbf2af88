import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createExternalDriver } from "./external-driver.ts";
import type { DeploymentStatus } from "./runtime-driver.ts";
import { smallModule } from "./testing/small-module.ts";

let status = 200;
let server: Server;
let url = "";
beforeEach(async () => {
  status = 200;
  server = createServer((_, response) => response.writeHead(status).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/base/`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test("a version that somebody else runs is asked for its health, and its changes are told", async () => {
  const driver = createExternalDriver(20);
  try {
    const changes: DeploymentStatus[] = [];
    driver.onChange((change) => changes.push(change));
    const spec = { ...(await smallModule("1.0.0")), url };
    expect(await driver.ensure(spec)).toMatchObject({ state: "healthy", url, pid: null });
    status = 503;
    await expect.poll(() => changes.at(-1)).toMatchObject({ state: "unhealthy", lastError: /503/ });
    status = 200;
    await expect.poll(() => changes.at(-1)).toMatchObject({ state: "healthy", lastError: null });
    await driver.stop(spec);
    expect(driver.list()).toEqual([]);
  } finally {
    await driver.close({ stopProcesses: true });
  }
});

test("without an address, or with one that does not answer, it says what to do", async () => {
  const driver = createExternalDriver(20);
  try {
    const spec = await smallModule("1.0.0");
    await expect(driver.ensure(spec)).rejects.toThrow("PUT /v1/modules/small/versions/1.0.0/external-url");
    status = 500;
    await expect(driver.ensure({ ...spec, url })).rejects.toThrow(/its health check answered 500/);
  } finally {
    await driver.close({ stopProcesses: true });
  }
});
