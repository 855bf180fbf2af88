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
    const body = { ready: false, stopping: false, revision: null, routes: 0, controlPlane: "away", heldRequests: 0 };
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
    for (const path of ["/", "/metrics", "/readyz/x", "/t/acme/notes"]) {
      expect((await ask(gateway.adminUrl + path)).status).toBe(404);
    }
  });

  test("is not reached through the public one", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(gateway.url + path)).status).toBe(404);
    expect(new URL(gateway.adminUrl).hostname).toBe("127.0.0.1");
  });
});
