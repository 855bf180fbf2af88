import { createServer } from "node:http";
import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { RouteChange } from "@aibos/contract";
import type { Gateway } from "./gateway.ts";
import { type FakeUpstream, startFakeUpstream } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

const WAIT = { timeout: 20_000, interval: 20 };
/** Far apart enough that no test meets one unless it wants to. */
const NO_PROBES = { probeInterval: 0 };
const QUICK = { ejectionTime: 50, ejectionMaxTime: 100, probeInterval: 50, probeTimeout: 500, slowStart: 0 };

const get = (gateway: Gateway, method = "GET") => fetch(`${gateway.url}/t/acme/notes/x`, { method });

async function answers(gateway: Gateway, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const response = await get(gateway);
    texts.push(response.ok ? await response.text() : String(response.status));
  }
  return texts;
}

async function upstreamsOf(
  gateway: Gateway,
): Promise<{ url: string; state: string; reason?: string; share: number }[]> {
  const { upstreams } = (await (await fetch(`${gateway.adminUrl}/upstreams`)).json()) as { upstreams: [] };
  return upstreams;
}
const stateOf = async (gateway: Gateway, upstream: { url: string }) =>
  (await upstreamsOf(gateway)).find(({ url }) => url === upstream.url);

function probed(urls: string[], healthPath = "/up", version = "1.0.0"): RouteChange {
  const change = endpointsOf(urls, version);
  if (change.kind !== "endpoints" || change.endpoints === null) throw new Error("no endpoints");
  return { ...change, endpoints: { ...change.endpoints, healthPath } };
}

/** A process whose answers a test changes on the way: what it says to users, and to probes. */
async function startSwitched(): Promise<FakeUpstream & { status: number; up: number; probes: number }> {
  const state = { status: 200, up: 200, probes: 0 };
  const upstream = await startFakeUpstream((request, response) => {
    if (request.url === "/up") {
      state.probes += 1;
      response.writeHead(state.up).end();
    } else response.writeHead(state.status).end(new URL(upstream.url).port);
  });
  return Object.assign(state, upstream);
}

/** A process at a given port: one that was restarted where it was. */
async function restartAt(url: string): Promise<void> {
  const server = createServer((_request, response) => response.end("back")).listen(
    Number(new URL(url).port),
    "127.0.0.1",
  );
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
}

describe("a process that is gone", () => {
  test("is not tried any more after three refused connections, and its version's users get the others", async () => {
    const gone = await startFakeUpstream();
    const healthy = await startSwitched();
    const { gateway, control } = await gatewayWith([endpointsOf([gone.url, healthy.url]), routeOf()], {
      ...NO_PROBES,
      ejectionTime: 60_000,
      reportInterval: 50,
    });
    await gone.stop();
    const port = new URL(healthy.url).port;
    expect(await answers(gateway, 20)).toEqual(Array.from({ length: 20 }, () => port));
    expect(await stateOf(gateway, gone)).toMatchObject({ state: "ejected", reason: "connect-failures", share: 0 });
    expect(gateway.state().ejectedUpstreams).toBe(1);
    const { ejected } = await control.report((report) => report.ejected.length > 0);
    expect(ejected).toEqual([
      {
        module: "notes",
        version: "1.0.0",
        url: gone.url,
        reason: "connect-failures",
        since: expect.any(Number) as number,
      },
    ]);
  });

  test("and is the only one: 502 while that is new, then 503 at once, and never another version", async () => {
    const gone = await startFakeUpstream();
    const other = await startSwitched();
    const weights = { "2.0.0": 10_000, "1.0.0": 0 };
    const changes = [endpointsOf([gone.url], "2.0.0"), endpointsOf([other.url]), routeOf({ weights })];
    const { gateway } = await gatewayWith(changes, { ...NO_PROBES, ejectionTime: 60_000 });
    await gone.stop();
    expect(await answers(gateway, 6)).toEqual(["502", "502", "502", "503", "503", "503"]);
    const refused = await get(gateway, "POST");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ code: "AIBOS_GATEWAY_NO_UPSTREAM", status: 503 });
    expect(other.requests).toHaveLength(0);
  });

  test.each([
    ["by its time, when nothing probes", NO_PROBES],
    [
      "by its probes, long before its time is over",
      { probeInterval: 50, ejectionTime: 600_000, ejectionMaxTime: 600_000 },
    ],
  ])("comes back where it was: %s", async (_how, settings) => {
    const gone = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([gone.url]), routeOf()], { ...QUICK, ...settings });
    await gone.stop();
    await vi.waitFor(async () => expect((await get(gateway)).status).toBe(503), WAIT);
    await restartAt(gone.url);
    await vi.waitFor(async () => expect(await answers(gateway, 1)).toEqual(["back"]), WAIT);
  });

  test("for upgrades is gone for requests too", async () => {
    const gone = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([gone.url]), routeOf()], { ...NO_PROBES, ejectionTime: 60_000 });
    await gone.stop();
    for (let index = 0; index < 3; index += 1) {
      const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/t/acme/notes/live`);
      await once(socket, "error");
    }
    expect((await get(gateway)).status).toBe(503);
  });
});

describe("a process that is sick", () => {
  test("is left out after five answers of 503, and told of in metrics", async () => {
    const [sick, healthy] = [await startSwitched(), await startSwitched()];
    sick.status = 503;
    const changes = [endpointsOf([sick.url, healthy.url]), routeOf()];
    const { gateway } = await gatewayWith(changes, { ...NO_PROBES, ejectionTime: 60_000 });
    await answers(gateway, 20);
    expect(sick.requests).toHaveLength(5);
    expect(await stateOf(gateway, sick)).toMatchObject({ state: "ejected", reason: "failures" });
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toContain('aibos_gateway_upstreams{module="notes",version="1.0.0",state="ejected"} 1');
    expect(metrics).toContain(
      'aibos_gateway_upstream_ejections_total{module="notes",version="1.0.0",reason="failures"} 1',
    );
  });

  test("keeps its users when it is the only one, or half of the others are out already", async () => {
    const processes = [await startSwitched(), await startSwitched(), await startSwitched()];
    for (const process of processes) process.status = 503;
    const urls = processes.map(({ url }) => url);
    const { gateway } = await gatewayWith([endpointsOf(urls), routeOf()], { ...NO_PROBES, ejectionTime: 60_000 });
    expect(new Set(await answers(gateway, 40))).toEqual(new Set(["503"]));
    const states = (await upstreamsOf(gateway)).map(({ state }) => state);
    expect(states.filter((state) => state === "ejected")).toHaveLength(1);
    // The answers were the module's, not the gateway's.
    expect((await get(gateway)).headers.get("content-type")).toBeNull();
  });

  test("of its own 500s is not sick: they are answers", async () => {
    const [failing, healthy] = [await startSwitched(), await startSwitched()];
    failing.status = 500;
    const { gateway } = await gatewayWith([endpointsOf([failing.url, healthy.url]), routeOf()], NO_PROBES);
    await answers(gateway, 60);
    expect(failing.requests).toHaveLength(30);
  });

  test("by half of its answers is left out for them", async () => {
    const healthy = await startSwitched();
    let count = 0;
    const flaky = await startFakeUpstream((_request, response) => {
      count += 1;
      response.writeHead(count % 2 === 0 ? 200 : 502).end();
    });
    const changes = [endpointsOf([flaky.url, healthy.url]), routeOf()];
    const { gateway } = await gatewayWith(changes, { ...NO_PROBES, upstreamErrorWindow: 600_000 });
    await answers(gateway, 60);
    expect(await stateOf(gateway, flaky)).toMatchObject({ state: "ejected", reason: "error-share" });
    expect(flaky.requests).toHaveLength(20);
  });

  test("that hangs is left out after answers that did not come in time", async () => {
    const hanging = await startFakeUpstream(() => undefined);
    const healthy = await startSwitched();
    const settings = { ...NO_PROBES, upstreamHeadersTimeout: 1_000, upstreamFailures: 2, ejectionTime: 60_000 };
    const { gateway } = await gatewayWith([endpointsOf([hanging.url, healthy.url]), routeOf()], settings);
    const seen = await answers(gateway, 12);
    expect(seen.filter((answer) => answer === "504")).toHaveLength(2);
    expect(hanging.requests).toHaveLength(2);
    expect(await stateOf(gateway, hanging)).toMatchObject({ state: "ejected", reason: "failures" });
  });

  test("is not what a client makes of it by a request that can't be sent", async () => {
    const upstream = await startSwitched();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], NO_PROBES);
    for (let index = 0; index < 6; index += 1) {
      const abort = new AbortController();
      const asked = fetch(`${gateway.url}/t/acme/notes/x`, { signal: abort.signal });
      abort.abort();
      await asked.catch(() => undefined);
    }
    expect(await stateOf(gateway, upstream)).not.toMatchObject({ state: "ejected" });
  });

  test("comes back when its time is over and serves on", async () => {
    const [sick, healthy] = [await startSwitched(), await startSwitched()];
    sick.status = 503;
    const { gateway } = await gatewayWith([endpointsOf([sick.url, healthy.url]), routeOf()], {
      ...QUICK,
      ...NO_PROBES,
    });
    await vi.waitFor(async () => {
      await answers(gateway, 2);
      expect(await stateOf(gateway, sick)).toMatchObject({ state: "ejected" });
    }, WAIT);
    sick.status = 200;
    const port = new URL(sick.url).port;
    await vi.waitFor(async () => expect(await answers(gateway, 2)).toContain(port), WAIT);
  });
});

describe("probes", () => {
  test("eject a process that says by itself that it is not well, without a single request", async () => {
    const [unwell, healthy] = [await startSwitched(), await startSwitched()];
    const { gateway } = await gatewayWith([probed([unwell.url, healthy.url]), routeOf()], QUICK);
    await vi.waitFor(() => expect(unwell.probes).toBeGreaterThan(0), WAIT);
    unwell.up = 503;
    await vi.waitFor(
      async () => expect(await stateOf(gateway, unwell)).toMatchObject({ state: "ejected", reason: "probes" }),
      WAIT,
    );
    const port = new URL(healthy.url).port;
    expect(await answers(gateway, 6)).toEqual(Array.from({ length: 6 }, () => port));
    unwell.up = 204;
    await vi.waitFor(async () => expect(await stateOf(gateway, unwell)).toMatchObject({ state: "serving" }), WAIT);
  });

  test("find a process that hangs", async () => {
    const hanging = await startFakeUpstream(() => undefined);
    const { gateway } = await gatewayWith([probed([hanging.url]), routeOf()], { ...QUICK, probeTimeout: 50 });
    await vi.waitFor(
      async () => expect(await stateOf(gateway, hanging)).toMatchObject({ state: "ejected", reason: "probes" }),
      WAIT,
    );
    expect((await get(gateway)).status).toBe(503);
  });

  test("are one at a time for each process, however many versions name it, and end with it", async () => {
    let underWay = 0;
    let most = 0;
    const slow = await startFakeUpstream((_request, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
        response.end();
      }, 60);
    });
    const changes = [probed([slow.url]), probed([slow.url], "/up", "2.0.0"), routeOf()];
    const { control } = await gatewayWith(changes, { ...QUICK, probeInterval: 5 });
    await vi.waitFor(() => expect(slow.requests.length).toBeGreaterThan(5), WAIT);
    expect(most).toBe(1);
    await control.change(probed([]), probed([], "/up", "2.0.0"));
    await vi.waitFor(() => expect(underWay).toBe(0), WAIT);
    const count = slow.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(slow.requests).toHaveLength(count);
  });
});

describe("a process that is new beside others", () => {
  test("begins with a small share of the requests, which grows to the whole", async () => {
    const [old, fresh] = [await startSwitched(), await startSwitched()];
    let now = 1_000_000;
    const { control, gateway } = await gatewayWith([endpointsOf([old.url]), routeOf()], {
      ...NO_PROBES,
      now: () => now,
    });
    now += 20_000;
    await control.change(endpointsOf([old.url, fresh.url]));
    const shareOf = async (): Promise<number> => {
      const before = fresh.requests.length;
      await answers(gateway, 40);
      return (fresh.requests.length - before) / 20;
    };
    expect(await stateOf(gateway, fresh)).toMatchObject({ state: "starting", share: 0.1 });
    expect(await shareOf()).toBeCloseTo(0.1, 5);
    now += 5_000;
    expect(await shareOf()).toBeCloseTo(0.5, 5);
    now += 5_000;
    expect(await stateOf(gateway, fresh)).toMatchObject({ state: "serving", share: 1 });
    expect(await shareOf()).toBeCloseTo(1, 5);
  });

  test("gets all of them when the others are gone", async () => {
    const [old, fresh] = [await startSwitched(), await startSwitched()];
    const { control, gateway } = await gatewayWith([endpointsOf([old.url]), routeOf()], {
      ...NO_PROBES,
      slowStart: 600_000,
    });
    await control.change(endpointsOf([old.url, fresh.url]));
    await old.stop();
    expect(await answers(gateway, 10)).toEqual(Array.from({ length: 10 }, () => new URL(fresh.url).port));
  });
});
