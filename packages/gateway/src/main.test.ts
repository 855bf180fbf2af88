import { once } from "node:events";
import { access } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { CONTROL_TOKEN, startFakeControlPlane } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { startGatewayProcess } from "./testing/gateway-process.ts";
import { endpointsOf, routeOf, temporaryFolder } from "./testing/started-gateway.ts";

describe("a gateway's process", () => {
  test("says where it listens, serves, and ends in order at SIGTERM", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (_request, response) => {
      response.flushHeaders();
      await mayAnswer;
      response.end("whole");
    });
    const control = await startFakeControlPlane(endpointsOf([upstream.url]), routeOf());
    const { child, line, exited } = await startGatewayProcess({
      AIBOS_CONTROL_URL: control.url,
      AIBOS_TOKEN: CONTROL_TOKEN,
    });
    const { type, url, adminUrl } = await line;
    expect(type).toBe("ready");
    expect(await control.report(() => true)).toMatchObject({ url, appliedRevision: 2 });
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
    const response = await fetch(`${url}/t/acme/notes`);
    child.kill("SIGTERM");
    child.kill("SIGTERM");
    answer();
    expect(await response.text()).toBe("whole");
    expect(await exited).toEqual([0, null]);
  });

  test("that belongs to a parent ends when that one is gone", async () => {
    const control = await startFakeControlPlane();
    const { child, line, exited } = await startGatewayProcess({
      AIBOS_CONTROL_URL: control.url,
      AIBOS_TOKEN: CONTROL_TOKEN,
      AIBOS_STOP_WITH_PARENT: "1",
    });
    expect(await line).toMatchObject({ type: "ready" });
    child.stdin?.end();
    expect(await exited).toEqual([0, null]);
  });

  test("whose port is taken says so, and ends with 1", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    onTestFinished(() => void other.close());
    const { line, exited } = await startGatewayProcess({
      AIBOS_CONTROL_URL: "http://127.0.0.1:1",
      AIBOS_TOKEN: "x",
      AIBOS_GATEWAY_PORT: String((other.address() as AddressInfo).port),
    });
    expect(await line).toMatchObject({
      type: "failed",
      code: "AIBOS_PORT_TAKEN",
      message: expect.stringContaining("--gateway-port") as string,
    });
    expect(await exited).toEqual([1, null]);
  });

  test("whose settings are wrong says which, and ends with 1", async () => {
    const { line, exited } = await startGatewayProcess({ AIBOS_GATEWAY_PORT: "no" });
    const { type, code, message } = await line;
    expect({ type, code }).toEqual({ type: "failed", code: "AIBOS_CONFIG_INVALID" });
    expect(message).toContain("AIBOS_GATEWAY_PORT");
    expect(message).toContain("AIBOS_CONTROL_URL");
    expect(await exited).toEqual([1, null]);
  });

  test("that is killed serves from its kept routes when it starts again, the control plane away", async () => {
    const upstream = await startFakeUpstream();
    const control = await startFakeControlPlane(endpointsOf([upstream.url]), routeOf());
    const folder = await temporaryFolder();
    const environment = { AIBOS_CONTROL_URL: control.url, AIBOS_TOKEN: CONTROL_TOKEN, AIBOS_GATEWAY_FOLDER: folder };
    const first = await startGatewayProcess(environment);
    await control.report(() => true);
    // The routes are written soon after they came, once.
    await vi.waitFor(() => access(join(folder, "routes.ndjson")), { timeout: 20_000, interval: 5 });
    first.child.kill("SIGKILL");
    await first.exited;
    await control.stop();
    const { url } = await (await startGatewayProcess(environment)).line;
    expect((await fetch(`${url}/t/acme/notes`)).status).toBe(200);
  });
});
