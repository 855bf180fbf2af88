import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { Gateway } from "./gateway.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, holdOf, routeOf } from "./testing/started-gateway.ts";

/** Waits until so many requests wait at the gateway. */
async function untilHeld(gateway: Gateway, requests: number): Promise<void> {
  await vi.waitFor(() => expect(gateway.state().heldRequests).toBe(requests), { timeout: 20_000, interval: 5 });
}

describe("a hold", () => {
  test("keeps requests waiting, with what they send, and lets them go on in their order to the new version", async () => {
    const old = await startFakeUpstream();
    const next = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([
      endpointsOf([old.url]),
      endpointsOf([next.url], "2.0.0"),
      routeOf({ hold: holdOf() }),
    ]);
    const waiting: Promise<Response>[] = [];
    for (let index = 0; index < 8; index += 1) {
      waiting.push(fetch(`${gateway.url}/t/acme/notes/${index}`, { method: "POST", body: `body ${index}` }));
      await untilHeld(gateway, index + 1);
    }
    expect(old.requests.length + next.requests.length).toBe(0);
    await control.change(routeOf({ weights: { "2.0.0": 10_000 } }));
    for (const [index, response] of (await Promise.all(waiting)).entries()) {
      expect(response.headers.get("x-aibos-version")).toBe("2.0.0");
      expect(await response.json()).toMatchObject({ url: `/${index}`, body: `body ${index}` });
    }
    expect(old.requests).toEqual([]);
    expect(next.requests).toHaveLength(8);
    expect(gateway.state().heldRequests).toBe(0);
  });

  test("lets requests reach a process in the order in which they came", async () => {
    const next = await startFakeUpstream();
    // One connection: the process sees the order in which the gateway sent them.
    const { control, gateway } = await gatewayWith([endpointsOf([next.url]), routeOf({ hold: holdOf() })], {
      connectionsPerUpstream: 1,
    });
    const waiting: Promise<Response>[] = [];
    for (let index = 0; index < 8; index += 1) {
      waiting.push(fetch(`${gateway.url}/t/acme/notes/${index}`));
      await untilHeld(gateway, index + 1);
    }
    await control.change(routeOf());
    await Promise.all(waiting);
    expect(next.requests.map(({ url }) => url)).toEqual(waiting.map((_, index) => `/${index}`));
  });

  test("does not touch other routes", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([
      endpointsOf([upstream.url]),
      routeOf({ hold: holdOf() }),
      routeOf({ tenant: "globex" }),
    ]);
    expect((await fetch(`${gateway.url}/t/globex/notes`)).status).toBe(200);
  });

  test("that lasts too long is told, with when to come again", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold: holdOf({ maxWaitMs: 30 }) })]);
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: "x" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("7");
    const problem = (await response.json()) as { detail: string };
    expect(problem).toMatchObject({ code: "AIBOS_GATEWAY_HELD" });
    expect(problem.detail).toContain("migration to 2.0.0");
    expect(upstream.requests).toEqual([]);
  });

  test("of the longest wait that can be said does not end at once", async () => {
    const upstream = await startFakeUpstream();
    const hold = holdOf({ maxWaitMs: Number.MAX_SAFE_INTEGER });
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold })]);
    const response = fetch(`${gateway.url}/t/acme/notes`);
    await untilHeld(gateway, 1);
    const other = await fetch(`${gateway.url}/t/acme/unknown`);
    expect(other.status).toBe(404);
    await control.change(routeOf());
    expect((await response).status).toBe(200);
  });

  test("that is followed by another one counts the time waited before", async () => {
    const upstream = await startFakeUpstream();
    let now = 1_000_000;
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold: holdOf() })], {
      now: () => now,
    });
    const response = fetch(`${gateway.url}/t/acme/notes`);
    await untilHeld(gateway, 1);
    now += 5_000;
    await control.change(routeOf({ hold: holdOf({ maxWaitMs: 5_000, retryAfterSeconds: 3 }) }));
    expect((await response).headers.get("retry-after")).toBe("3");
  });

  test("has room for so many requests on a route, and refuses more at once", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith(
      [endpointsOf([upstream.url]), routeOf({ hold: holdOf() }), routeOf({ tenant: "globex", hold: holdOf() })],
      { maxHeld: 2 },
    );
    const waiting = [fetch(`${gateway.url}/t/acme/notes`), fetch(`${gateway.url}/t/acme/notes`)];
    await untilHeld(gateway, 2);
    const refused = await fetch(`${gateway.url}/t/acme/notes`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("7");
    expect(await refused.json()).toMatchObject({ code: "AIBOS_GATEWAY_HOLD_FULL" });
    const other = fetch(`${gateway.url}/t/globex/notes`);
    await untilHeld(gateway, 3);
    await control.change(routeOf(), routeOf({ tenant: "globex" }));
    for (const response of await Promise.all([...waiting, other])) expect(response.status).toBe(200);
  });

  test("gives the place of a client that left to another one, and never sends what it asked", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold: holdOf() })], {
      maxHeld: 1,
    });
    const leave = new AbortController();
    const left = fetch(`${gateway.url}/t/acme/notes/left`, { signal: leave.signal }).catch(() => "left");
    await untilHeld(gateway, 1);
    leave.abort();
    expect(await left).toBe("left");
    await untilHeld(gateway, 0);
    const stayed = fetch(`${gateway.url}/t/acme/notes/stayed`);
    await untilHeld(gateway, 1);
    await control.change(routeOf());
    expect((await stayed).status).toBe(200);
    expect(upstream.requests.map(({ url }) => url)).toEqual(["/stayed"]);
  });

  test("that ends with the tenant suspended, or its route gone, refuses those that waited", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([
      endpointsOf([upstream.url]),
      routeOf({ hold: holdOf() }),
      routeOf({ tenant: "globex", hold: holdOf() }),
    ]);
    const suspended = fetch(`${gateway.url}/t/acme/notes`);
    const gone = fetch(`${gateway.url}/t/globex/notes`);
    await untilHeld(gateway, 2);
    const globex = { kind: "route" as const, tenant: "globex", module: "notes", route: null };
    await control.change(routeOf({ state: "suspended" }), globex);
    expect((await suspended).status).toBe(403);
    expect((await gone).status).toBe(404);
    expect(upstream.requests).toEqual([]);
  });

  test("asks for a body only after it ended", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold: holdOf() })]);
    const raw = await openRawConnection(gateway.url);
    raw.write("PUT /t/acme/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
    await untilHeld(gateway, 1);
    expect(raw.text).toBe("");
    await control.change(routeOf());
    await raw.received("100 Continue");
    raw.write("hello");
    await raw.received('"body":"hello"');
  });

  test("waits for nobody who is under way: those are named until they ended", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (_request, response) => {
      await mayAnswer;
      response.end("old");
    });
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const arrived = once(upstream.server, "request");
    const underWay = fetch(`${gateway.url}/t/acme/notes`);
    await arrived;
    const report = await control.change(routeOf({ hold: holdOf() }));
    expect(report.draining).toEqual([{ tenant: "acme", module: "notes", requests: 1 }]);
    answer();
    expect(await (await underWay).text()).toBe("old");
    await control.report(
      ({ appliedRevision, draining }) => appliedRevision === report.appliedRevision && draining.length === 0,
    );
  });
});
