import { describe, expect, test } from "vitest";
import pino from "pino";
import { type RouteHandlers, ROUTES, TenantNotFoundError } from "@aibos/contract";
import { createHttpApp } from "./app.ts";
import { BEARER, fakeHandlers, fakePlatform, someTenant } from "./testing/fake-platform.ts";

const JSON_HEADERS = { ...BEARER, "content-type": "application/json" };

function appWith(handlers: Partial<RouteHandlers> = {}) {
  return createHttpApp(fakePlatform({ handlers: fakeHandlers(handlers) }));
}

/** An app whose `createTenant` tells what came through validation. */
function tenantApp() {
  const seen: unknown[] = [];
  const app = appWith({
    createTenant: async ({ body }) => {
      seen.push(body);
      return someTenant(body.id);
    },
  });
  const create = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_HEADERS) =>
    app.request("/v1/tenants", { method: "POST", headers, body });
  return { seen, create };
}

describe("a request that is as it should be", () => {
  test("reaches the handler validated, with defaults, and is answered with the route's status", async () => {
    const { seen, create } = tenantApp();
    const response = await create('{"id":"acme"}');
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ id: "acme" });
    expect(seen).toEqual([{ id: "acme", labels: {} }]);
  });

  test("has its numbers read out of the query", async () => {
    const limits: number[] = [];
    const app = appWith({
      listTenants: async ({ query }) => {
        limits.push(query.limit);
        return { items: [], nextCursor: null };
      },
    });
    expect((await app.request("/v1/tenants?limit=7", { headers: BEARER })).status).toBe(200);
    expect((await app.request("/v1/tenants", { headers: BEARER })).status).toBe(200);
    expect(limits).toEqual([7, 100]);
  });

  test("is answered with headers that keep it out of caches, frames and other sites", async () => {
    const { create } = tenantApp();
    const { headers } = await create('{"id":"acme"}');
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
});

describe("authorization", () => {
  const addresses = [
    ...Object.values(ROUTES).map((route) => [route.method.toUpperCase(), route.path.replace(/\{\w+\}/g, "x")]),
    ["POST", "/v1/modules"],
    ["GET", "/v1/migrations/mig_1/events"],
    ["GET", "/v1/gateway/feed"],
    ["POST", "/v1/gateway/reports"],
    ["GET", "/v1/unknown"],
    ["GET", "/"],
  ];
  test.each(addresses)("%s %s is refused without a token", async (method = "", path = "") => {
    const response = await appWith().request(path, { method });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toMatchObject({ code: "AIBOS_UNAUTHORIZED" });
  });

  test.each(["Bearer wrong", "Bearer ", "Basic abc", "Bearer a-token-of-the-tests more", "a-token-of-the-tests"])(
    "%j is refused",
    async (authorization) => {
      const response = await appWith().request("/v1/status", { headers: { authorization } });
      expect(response.status).toBe(401);
    },
  );

  test("the scheme may be written in any case", async () => {
    const app = appWith({ listTenants: async () => ({ items: [], nextCursor: null }) });
    const headers = { authorization: BEARER.authorization.replace("Bearer", "bearer") };
    expect((await app.request("/v1/tenants", { headers })).status).toBe(200);
  });

  test.each(["/healthz", "/readyz", "/openapi.json", "/docs"])("%s needs none", async (path) => {
    expect((await appWith().request(path)).status).toBe(200);
  });

  test.each(["/docs/../v1/tenants", "/healthz/../v1/tenants", "//v1/tenants", "/healthz%2f..%2fv1%2ftenants"])(
    "%s does not get round it",
    async (path) => {
      expect((await appWith().request(path)).status).toBe(401);
    },
  );
});

describe("hostile input", () => {
  test.each([
    ["bad JSON", '{"id":', "not JSON"],
    ["no body", "", "expected object"],
    ["an unknown field", '{"id":"acme","admin":true}', "admin"],
    ["a prototype", '{"id":"acme","labels":{"__proto__":"x"}}', "not allowed"],
    ["a prototype at the top", '{"id":"acme","__proto__":{"labels":{}}}', "not allowed"],
    ["NUL in a title", String.raw`{"id":"acme","title":"a\u0000b"}`, "can't be stored"],
    ["half of a surrogate pair", String.raw`{"id":"acme","labels":{"tier":"\ud800"}}`, "can't be stored"],
    ["an identifier that is none", '{"id":"../etc"}', "not a valid tenant identifier"],
    ["a list", "[]", "expected object"],
    ["deep nesting", `${"[".repeat(200_000)}${"]".repeat(200_000)}`, "expected object"],
  ])("%s is refused with 400 and says where", async (_, body, message) => {
    const { seen, create } = tenantApp();
    const response = await create(body);
    expect(response.status).toBe(400);
    const problem = await response.json();
    expect(problem).toMatchObject({ code: "AIBOS_INVALID_REQUEST", issues: expect.any(Array) });
    expect(JSON.stringify(problem)).toContain(message);
    expect(seen).toEqual([]);
    expect(Object.prototype).not.toHaveProperty("labels");
  });

  test("bytes that are not UTF-8 are refused", async () => {
    const { create } = tenantApp();
    expect((await create(Uint8Array.from([0x22, 0xff, 0x22]))).status).toBe(400);
  });

  test("a body that does not say it is JSON is refused, so that a browser's form can't send one", async () => {
    const { seen, create } = tenantApp();
    expect((await create('{"id":"acme"}', { ...BEARER, "content-type": "text/plain" })).status).toBe(400);
    expect(seen).toEqual([]);
  });

  test("a body over 1 MiB is refused with 413", async () => {
    const { create } = tenantApp();
    const response = await create(JSON.stringify({ id: "acme", title: "x".repeat(1024 * 1024) }));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "AIBOS_TOO_LARGE" });
  });

  test("a request with thousands of mistakes gets an answer of bounded size", async () => {
    const { create } = tenantApp();
    const labels = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`Bad ${n}`, "x"]));
    const response = await create(JSON.stringify({ id: "acme", labels }));
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(20_000);
  });

  test.each([
    ["/v1/tenants/a%2Fb", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants/..%2F..%2Fetc", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants/%00", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants/%ff", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/migrations/%00", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants?limit=1&limit=2", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants?limit=0", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants?limit=1e9", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants?unknown=1", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants?__proto__=1", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/tenants?label=tier", 400, "AIBOS_INVALID_REQUEST"],
    ["/v1/nothing", 404, "AIBOS_ROUTE_NOT_FOUND"],
    ["/v1/tenants/", 404, "AIBOS_ROUTE_NOT_FOUND"],
  ])("GET %s is answered %i %s", async (path, status, code) => {
    const response = await appWith().request(path, { headers: BEARER });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code, status });
  });
});

describe("failures", () => {
  test("of ours keep their code", async () => {
    const app = appWith({
      getTenant: async ({ params }) => {
        throw new TenantNotFoundError(params.tenant);
      },
    });
    const response = await app.request("/v1/tenants/acme", { headers: { ...BEARER, "x-request-id": "abc-1" } });
    expect(response.status).toBe(404);
    expect(response.headers.get("x-request-id")).toBe("abc-1");
    expect(await response.json()).toMatchObject({ code: "AIBOS_TENANT_NOT_FOUND", tenant: "acme", requestId: "abc-1" });
  });

  test("that nobody foresaw go to the log and not to the caller", async () => {
    const lines: string[] = [];
    const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
    const getTenant = async () => {
      throw new Error("connection string postgresql://root:hunter2@db");
    };
    const app = createHttpApp(fakePlatform({ log, handlers: fakeHandlers({ getTenant }) }));
    const response = await app.request("/v1/tenants/acme?", { headers: BEARER });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain("AIBOS_INTERNAL");
    expect(text).not.toContain("hunter2");
    expect(text).not.toMatch(/\bat .*\.ts/);
    const requestId = response.headers.get("x-request-id") ?? "none";
    expect(lines.some((line) => line.includes(requestId) && line.includes("a request failed"))).toBe(true);
    expect(lines.join("")).not.toContain(BEARER.authorization);
  });

  test.each(["a b", "x".repeat(65), "a\u00e9", '"><script>'])("a request id like %j is replaced", async (given) => {
    const response = await appWith().request("/healthz", { headers: { "x-request-id": given } });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("readiness follows the platform's", async () => {
  const app = createHttpApp(fakePlatform({ isReady: async () => false }));
  expect((await app.request("/readyz")).status).toBe(503);
  expect((await app.request("/healthz")).status).toBe(200);
});
