import { describe, expect, test } from "vitest";
import { verifyTenantContext } from "@aibos/contract";
import { type Echo, startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, KEY, routeOf } from "./testing/started-gateway.ts";

async function echoOf(answer: Response | Promise<Response>): Promise<Echo> {
  const response = await answer;
  expect(response.status).toBe(200);
  return (await response.json()) as Echo;
}

describe("a request's tenant and module", () => {
  test("are found in the path, which the module sees without them", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const { url, headers } = await echoOf(fetch(`${gateway.url}/t/acme/notes/a%2Fb/c?q=%20&t=/t/x`));
    expect(url).toBe("/a%2Fb/c?q=%20&t=/t/x");
    expect(headers["x-forwarded-prefix"]).toBe("/t/acme/notes");
    expect((await echoOf(fetch(`${gateway.url}/t/acme/notes`))).url).toBe("/");
    expect((await echoOf(fetch(`${gateway.url}/t/acme/notes?q=1`))).url).toBe("/?q=1");
  });

  test("reach the module with the path as it was written, dots and escapes and all", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes//a%2F../../x/./%zz?a=b?c HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    await raw.ended();
    expect(upstream.requests[0]?.url).toBe("//a%2F../../x/./%zz?a=b?c");
  });

  test("come after the path that a process's own address brings along", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([`${upstream.url}/base/`]), routeOf()]);
    expect((await echoOf(fetch(`${gateway.url}/t/acme/notes/x?y`))).url).toBe("/base/x?y");
  });

  test("are found in the host's name and the path, whatever the name's case and port", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { baseHost: "Apps.Example" });
    for (const host of ["acme.apps.example", "ACME.apps.EXAMPLE:8080"]) {
      const raw = await openRawConnection(gateway.url);
      raw.write(`GET /notes/x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect(await raw.ended()).toMatch(/^HTTP\/1.1 200 /);
    }
    expect(upstream.requests.map(({ url }) => url)).toEqual(["/x", "/x"]);
    expect(upstream.requests[1]?.headers["x-forwarded-host"]).toBe("ACME.apps.EXAMPLE:8080");
    for (const host of ["a.acme.apps.example", "apps.example", ".apps.example", "acme.apps.example.evil", "acme"]) {
      const raw = await openRawConnection(gateway.url);
      raw.write(`GET /notes/x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect(await raw.ended()).toMatch(/^HTTP\/1.1 404 /);
    }
  });

  test("are taken from an absolute address before the host field", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { baseHost: "apps.example" });
    const raw = await openRawConnection(gateway.url);
    raw.write("GET http://acme.apps.example/notes/x HTTP/1.1\r\nhost: other.apps.example\r\nconnection: close\r\n\r\n");
    expect(await raw.ended()).toMatch(/^HTTP\/1.1 200 /);
    expect(upstream.requests[0]?.headers["x-forwarded-host"]).toBe("acme.apps.example");
  });

  test("are found in headers only where that is switched on", async () => {
    const upstream = await startFakeUpstream();
    const changes = [endpointsOf([upstream.url]), routeOf()];
    const headers = { "x-tenant-id": "acme", "x-module-id": "notes" };
    const byHeader = await gatewayWith(changes, { identify: ["header"] });
    const { url, headers: seen } = await echoOf(fetch(`${byHeader.gateway.url}/t/x/y`, { headers }));
    expect(url).toBe("/t/x/y");
    expect(seen["x-forwarded-prefix"]).toBeUndefined();
    const byPath = await gatewayWith(changes);
    expect((await fetch(`${byPath.gateway.url}/x`, { headers })).status).toBe(404);
  });

  test("that are unknown get the same answer, whichever of them it is", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const paths = [
      "/t/globex/notes/x",
      "/t/acme/crm/x",
      "/t/ACME/notes/x",
      "/t/ac%6De/notes/x",
      "/",
      "/t/acme",
      "/t//notes",
    ];
    const bodies = await Promise.all(
      paths.map(async (path) => {
        const response = await fetch(gateway.url + path, { headers: { "x-request-id": "same" } });
        expect(response.status).toBe(404);
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(response.headers.get("cache-control")).toBe("no-store");
        return response.text();
      }),
    );
    expect(new Set(bodies).size).toBe(1);
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
      status: 404,
      code: "AIBOS_GATEWAY_ROUTE_UNKNOWN",
      requestId: "same",
    });
    expect(upstream.requests).toEqual([]);
  });

  test("that left the routes are unknown from then on", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    await control.change({ kind: "route", tenant: "acme", module: "notes", route: null });
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(404);
  });

  test("that are suspended are refused without reaching a process", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ state: "suspended" })]);
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: "x" });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "AIBOS_GATEWAY_TENANT_SUSPENDED" });
    expect(upstream.requests).toEqual([]);
    await control.change(routeOf());
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
  });
});

describe("the tenant's context", () => {
  test("is signed with the version's key and names the tenant, version, schema and role", async () => {
    const upstream = await startFakeUpstream();
    let now = 1_800_000_000_000;
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { now: () => now });
    const contextOf = async (): Promise<string | undefined> =>
      (await echoOf(fetch(`${gateway.url}/t/acme/notes`))).headers["x-aibos-context"];
    const first = await contextOf();
    expect(verifyTenantContext(first, KEY, now / 1000)).toEqual({
      context: {
        tenant: "acme",
        module: "notes",
        version: "1.0.0",
        schema: "t_acme_1.0.0",
        views: "t_acme_1.0.0@1.0.0",
        dataVersion: "1.0.0",
        role: "r_acme",
        expires: now / 1000 + 120,
      },
    });
    expect(verifyTenantContext(first, `${KEY}x`, now / 1000)).toEqual({ refusal: "wrong-signature" });
    now += 110_000;
    expect(verifyTenantContext(await contextOf(), KEY, now / 1000)).toMatchObject({
      context: { expires: now / 1000 + 120 },
    });
  });

  test("changes with the route and with the key, though the signature is used again within seconds", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { now: () => 1e12 });
    const contextOf = async (): Promise<string | undefined> =>
      (await echoOf(fetch(`${gateway.url}/t/acme/notes`))).headers["x-aibos-context"];
    expect(await contextOf()).toBe(await contextOf());
    await control.change(routeOf({ role: "r_other" }));
    expect(verifyTenantContext(await contextOf(), KEY, 1e9)).toMatchObject({ context: { role: "r_other" } });
    const address = { urls: [upstream.url], healthPath: null };
    const endpoints = { module: "notes", version: "1.0.0", ...address, contextKey: "another key" };
    await control.change({ kind: "endpoints", module: "notes", version: "1.0.0", endpoints });
    expect(verifyTenantContext(await contextOf(), "another key", 1e9)).toMatchObject({ context: { tenant: "acme" } });
  });

  test("can't be given from outside, in any spelling, nor taken away", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    const names = [
      "x-aibos-context",
      "X-AIBOS-Context",
      "X_AIBOS_CONTEXT",
      "x-aibos_context",
      "X_Aibos-Tenant",
      "x-aibos-",
    ];
    const forged = names.map((name) => `${name}: forged\r\n`).join("");
    const connection = "connection: close, x-aibos-context, x-request-id, x-forwarded-for\r\n";
    raw.write(`GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n${forged}${connection}x-aibo: kept\r\n\r\n`);
    await raw.ended();
    const { rawHeaders = [], headers } = upstream.requests[0] ?? {};
    expect(rawHeaders).not.toContain("forged");
    expect(rawHeaders.filter((name) => /^x[-_]aibos/i.test(name))).toEqual(["x-aibos-context"]);
    expect(headers?.["x-aibo"]).toBe("kept");
    expect(headers).toHaveProperty("x-request-id");
    expect(headers).toHaveProperty("x-forwarded-for");
    expect(verifyTenantContext(String(headers?.["x-aibos-context"]), KEY, Date.now() / 1000)).toHaveProperty("context");
  });
});

describe("a request's id", () => {
  test("is the client's, made anew where that is not usable, and told to both sides", async () => {
    const upstream = await startFakeUpstream((_request, response) => {
      response.setHeader("x-request-id", "of the module");
      response.setHeader("x-aibos-version", "9.9.9");
      response.end();
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const idOf = async (given?: string): Promise<string | null> => {
      const headers = given === undefined ? {} : { "x-request-id": given };
      const response = await fetch(`${gateway.url}/t/acme/notes`, { headers });
      expect(response.headers.get("x-aibos-version")).toBe("1.0.0");
      expect(upstream.requests.at(-1)?.headers["x-request-id"]).toBe(response.headers.get("x-request-id"));
      return response.headers.get("x-request-id");
    };
    expect(await idOf("Order-1/~!")).toBe("Order-1/~!");
    const made = [await idOf(), await idOf("has a space"), await idOf("x".repeat(129)), await idOf("é")];
    for (const id of made) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(made).size).toBe(made.length);
  });
});

describe("forwarding facts", () => {
  const given = {
    "x-forwarded-for": "10.1.2.3",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.example",
    "x-forwarded-prefix": "/evil",
    forwarded: "for=10.1.2.3",
  };

  test("of a stranger are replaced by what the gateway knows", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const { headers } = await echoOf(fetch(`${gateway.url}/t/acme/notes`, { headers: given }));
    expect(headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": new URL(gateway.url).host,
      "x-forwarded-prefix": "/t/acme/notes",
      host: new URL(upstream.url).host,
    });
    expect(headers["forwarded"]).toBe(`for=127.0.0.1;proto=http;host="${new URL(gateway.url).host}"`);
  });

  test("of the operator's own proxy are passed on, with the peer added", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { trustForwarded: true });
    const { headers } = await echoOf(fetch(`${gateway.url}/t/acme/notes`, { headers: given }));
    expect(headers).toMatchObject({
      "x-forwarded-for": "10.1.2.3, 127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
      "x-forwarded-prefix": "/t/acme/notes",
      forwarded: `for=10.1.2.3, for=127.0.0.1;proto=http;host="${new URL(gateway.url).host}"`,
    });
  });
});
