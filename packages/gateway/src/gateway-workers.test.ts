import { Agent, request } from "undici";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { CONTROL_TOKEN, startFakeControlPlane } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { startGatewayProcess } from "./testing/gateway-process.ts";
import { endpointsOf, routeOf } from "./testing/started-gateway.ts";

interface State {
  readonly ready: boolean;
  readonly workers: { worker: number; ready: boolean; adminUrl: string; state: { revision: number } | null }[];
}

async function twoWorkers() {
  const upstream = await startFakeUpstream();
  const control = await startFakeControlPlane(endpointsOf([upstream.url]), routeOf());
  const { child, line, exited } = await startGatewayProcess({
    AIBOS_CONTROL_URL: control.url,
    AIBOS_TOKEN: CONTROL_TOKEN,
    AIBOS_GATEWAY_ID: "edge",
    AIBOS_GATEWAY_WORKERS: "2",
  });
  const { type, url = "", adminUrl = "" } = await line;
  expect(type).toBe("ready");
  const state = async () => (await (await fetch(`${adminUrl}/readyz`)).json()) as State;
  await vi.waitFor(async () => expect((await state()).workers.map(({ ready }) => ready)).toEqual([true, true]), {
    timeout: 100_000,
    interval: 50,
  });
  return { upstream, control, child, exited, url, adminUrl, state };
}

/** Connections that ask again and again, until `stop`; how many requests there were, and what went wrong. */
function load(url: string, connections: number) {
  const failures: unknown[] = [];
  let requests = 0;
  const stopping = new AbortController();
  const dispatcher = new Agent({ connections, pipelining: 1 });
  const one = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const { statusCode, body } = await request(`${url}/t/acme/notes`, { dispatcher });
        await body.dump();
        if (statusCode !== 200) failures.push(statusCode);
      } catch (error) {
        failures.push(error);
      }
      requests += 1;
    }
  };
  const all = Promise.all(Array.from({ length: connections }, one));
  const stop = async (): Promise<{ requests: number; failures: unknown[] }> => {
    stopping.abort();
    await all;
    return { requests, failures };
  };
  onTestFinished(async () => {
    await stop();
    await dispatcher.close();
  });
  return { stop };
}

describe("several workers on one port", () => {
  test("are one gateway to its users and several to the control plane, and end together", async () => {
    const { control, child, exited, url, state } = await twoWorkers();
    for (const id of ["edge.1", "edge.2"]) await control.report((report) => report.gatewayId === id);
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${url}/t/acme/notes`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const { workers } = await state();
    expect(new Set(workers.map(({ adminUrl }) => adminUrl)).size).toBe(2);
    expect(workers[0]?.state?.revision).toBe(2);
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  }, 120_000);

  test("are replaced one by one without a failed request", async () => {
    const { child, url, state } = await twoWorkers();
    const before = (await state()).workers.map(({ adminUrl }) => adminUrl);
    const traffic = load(url, 8);
    child.kill("SIGUSR2");
    await vi.waitFor(
      async () => {
        const { workers } = await state();
        expect(workers.every(({ ready, adminUrl }) => ready && !before.includes(adminUrl))).toBe(true);
      },
      { timeout: 100_000, interval: 50 },
    );
    const { requests, failures } = await traffic.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(8);
  }, 120_000);

  test("are started again when they die, and the others serve meanwhile", async () => {
    const { url, state, adminUrl } = await twoWorkers();
    const pidOf = async (): Promise<number> => {
      const { workers } = (await (await fetch(`${adminUrl}/healthz`)).json()) as {
        workers: { pid: number }[];
      };
      return workers[0]?.pid ?? 0;
    };
    const before = await pidOf();
    process.kill(before, "SIGKILL");
    // A connection that was on its way to the one that died may be lost with it.
    const answer = (): Promise<Response> => fetch(`${url}/t/acme/notes`, { signal: AbortSignal.timeout(2_000) });
    await vi.waitFor(async () => expect((await answer()).status).toBe(200), { timeout: 20_000, interval: 5 });
    await vi.waitFor(
      async () => {
        expect(await pidOf()).not.toBe(before);
        expect((await state()).workers.map(({ ready }) => ready)).toEqual([true, true]);
      },
      { timeout: 100_000, interval: 50 },
    );
  }, 120_000);

  test("with a port that is taken say so, and end with 1", async () => {
    const other = await startFakeUpstream();
    const { line, exited } = await startGatewayProcess({
      AIBOS_CONTROL_URL: "http://127.0.0.1:1",
      AIBOS_TOKEN: "x",
      AIBOS_GATEWAY_WORKERS: "2",
      AIBOS_GATEWAY_PORT: new URL(other.url).port,
    });
    expect(await line).toMatchObject({ type: "failed", code: "AIBOS_PORT_TAKEN" });
    expect(await exited).toEqual([1, null]);
  }, 120_000);
});
