import { describe, expect, test } from "vitest";
import { startFakeControlPlane } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

async function ask(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url);
  expect(response.headers.get("content-type")).toBe("application/json");
  return { status: response.status, body: await response.json() };
}

describe("the admin listener", () => {
  test("says that the gateway lives, but is not ready, while it has no routes", async () => {
    const control = await startFakeControlPlane();
    control.status = 401;
    const gateway = await gatewayOf(control);
    const body = {
      ready: false,
      stopping: false,
      revision: null,
      routes: 0,
      controlPlane: "away",
      heldRequests: 0,
      ejectedUpstreams: 0,
    };
    expect(await ask(`${gateway.adminUrl}/healthz`)).toEqual({ status: 200, body });
    expect(await ask(`${gateway.adminUrl}/readyz`)).toEqual({ status: 503, body });
    control.status = 200;
    await control.report(() => true);
    expect(await ask(`${gateway.adminUrl}/readyz?verbose`)).toMatchObject({
      status: 200,
      body: { ready: true, revision: 1 },
    });
  });

  test("says how many routes there are, and knows nothing else", async () => {
    const { gateway } = await gatewayWith([routeOf(), routeOf({ tenant: "globex" })]);
    expect((await ask(`${gateway.adminUrl}/readyz`)).body).toMatchObject({ routes: 2, controlPlane: "connected" });
    for (const path of ["/", "/metrics/x", "/readyz/x", "/t/acme/notes"]) {
      expect((await ask(gateway.adminUrl + path)).status).toBe(404);
    }
  });

  test("tells Prometheus what came of each version's requests, and names no tenant", async () => {
    const upstream = await startFakeUpstream();
    const changes = [endpointsOf([upstream.url]), routeOf()];
    const { control, gateway } = await gatewayWith(changes, { flushInterval: 10 });
    await (await fetch(`${gateway.url}/t/acme/notes/x`)).text();
    await (await fetch(`${gateway.url}/t/nobody/notes/x`)).text();
    await control.sentBatches((batches) => batches.some(({ rows }) => rows.some(({ requests }) => requests === 1)));
    const response = await fetch(`${gateway.adminUrl}/metrics`);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0.0.4/);
    const text = await response.text();
    expect(text).toContain('\naibos_gateway_requests_total{module="notes",version="1.0.0"} 1\n');
    expect(text).toContain('\naibos_gateway_problems_total{code="AIBOS_GATEWAY_ROUTE_UNKNOWN"} 1\n');
    expect(text).toMatch(
      /^# HELP aibos_gateway_routes .*\n# TYPE aibos_gateway_routes gauge\naibos_gateway_routes 1\n/,
    );
    expect(text).toMatch(/\nprocess_resident_memory_bytes \d+\n/);
    expect(text).not.toMatch(/acme|nobody/);
  });

  test("is not reached through the public one", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await fetch(gateway.url + path)).status).toBe(404);
    expect(new URL(gateway.adminUrl).hostname).toBe("127.0.0.1");
  });
});
