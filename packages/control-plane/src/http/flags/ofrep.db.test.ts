import { connect } from "node:net";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { OpenFeature as WebOpenFeature, type Provider as WebProvider, ProviderEvents } from "@openfeature/web-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SHOP } from "../../features/feature-flags/testing/flag-world.ts";
import { TestEventSource } from "./testing/event-source.ts";
import { type FlagServer, startFlagServer } from "./testing/flag-server.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await startFlagServer();
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

const ask = (
  key: string,
  path: string,
  init: { body?: unknown; headers?: Record<string, string>; method?: string } = {},
) =>
  fetch(server.url + path, {
    method: init.method ?? "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...init.headers },
    ...(init.method === "GET"
      ? {}
      : { body: typeof init.body === "string" ? init.body : JSON.stringify(init.body ?? {}) }),
  });
const one = (flag: string) => `/ofrep/v1/evaluate/flags/${encodeURIComponent(flag)}`;
const ALL = "/ofrep/v1/evaluate/flags";

describe("one flag", () => {
  test("is answered with value, variant, reason and where it is from", async () => {
    const { key } = await server.tenant();
    const answer = await ask(key, one("new_ui_enabled"), { body: { context: { targetingKey: "ann" } } });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        key: "new_ui_enabled",
        value: false,
        variant: "off",
        reason: "STATIC",
        metadata: { flagSetId: "shop", flagSetVersion: "1.0.0" },
      },
    ]);
  });

  test.each<[string, string, unknown, number, string]>([
    ["an unknown flag", "nothing", {}, 404, "FLAG_NOT_FOUND"],
    ["a name of every object", "__proto__", {}, 404, "FLAG_NOT_FOUND"],
    ["a body that is not JSON", "new_ui_enabled", "{", 400, "PARSE_ERROR"],
    ["a context that is none", "new_ui_enabled", { context: [1] }, 400, "INVALID_CONTEXT"],
    ["a targeting key that is none", "new_ui_enabled", { context: { targetingKey: {} } }, 400, "INVALID_CONTEXT"],
    ["a body that is too large", "new_ui_enabled", { context: { a: "x".repeat(300_000) } }, 413, "PARSE_ERROR"],
  ])("%s is refused as the protocol says", async (_, flag, body, status, errorCode) => {
    const { key } = await server.tenant();
    const answer = await ask(key, one(flag), { body });
    expect([answer.status, await answer.json()]).toMatchObject([status, { key: flag, errorCode }]);
  });

  test("needs a key", async () => {
    for (const headers of [{}, { authorization: "Bearer wrong" }, { "x-api-key": "wrong" }]) {
      const answer = await fetch(server.url + one("new_ui_enabled"), { method: "POST", body: "{}", headers });
      expect(answer.status).toBe(401);
    }
  });
});

describe("all flags", () => {
  test("have an entity tag of what they come to: 304 while nothing changes for the one who asks, and only then", async () => {
    const { tenant, key } = await server.tenant();
    const other = await server.tenant();
    const first = await ask(key, ALL);
    const etag = first.headers.get("etag") ?? "";
    expect(((await first.json()) as { flags: unknown[] }).flags).toHaveLength(6);
    const again = (context = {}) => ask(key, ALL, { headers: { "if-none-match": etag }, body: { context } });
    expect((await again()).status).toBe(304);
    await server.set(other.tenant, { new_ui_enabled: true });
    expect((await again()).status).toBe(304);
    await server.set(tenant, { new_ui_enabled: true });
    const changed = await again();
    expect([changed.status, changed.headers.get("etag") === etag]).toEqual([200, false]);
    await server.set(tenant, { new_ui_enabled: null });
    expect((await again()).status).toBe(304);
    // Another user's result differs: the tag is of results, not of the configuration.
    await server.world.api.updateFeatureFlags({
      params: { tenant, module: SHOP },
      query: { user: "ann", author: "operator" },
      body: { new_ui_enabled: true },
    });
    const bobs = (await ask(key, ALL, { body: { context: { targetingKey: "bob" } } })).headers.get("etag") ?? "";
    const withBobs = async (targetingKey: string): Promise<number> =>
      (await ask(key, ALL, { headers: { "if-none-match": bobs }, body: { context: { targetingKey } } })).status;
    expect([await withBobs("ann"), await withBobs("bob"), await withBobs("carl")]).toEqual([200, 304, 304]);
  });

  test("are those of the live version that the context names, or of the one with most users", async () => {
    const { key } = await server.tenant("1.0.0", "2.0.0");
    const versionFor = async (context: object): Promise<unknown> =>
      ((await (await ask(key, ALL, { body: { context } })).json()) as { metadata: { flagSetVersion: string } }).metadata
        .flagSetVersion;
    expect([
      await versionFor({}),
      await versionFor({ version: "2.0.0" }),
      await versionFor({ version: "9.0.0" }),
    ]).toEqual(["1.0.0", "2.0.0", "1.0.0"]);
  });
});

test("a key that asks too often is told how long to wait", async () => {
  await using slow = await startFlagServer({ requestsPerSecond: 1 });
  const { key } = await slow.tenant();
  const send = () => fetch(slow.url + ALL, { method: "POST", body: "{}", headers: { authorization: `Bearer ${key}` } });
  const answers = await Promise.all(Array.from({ length: 6 }, send));
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers.get("retry-after")).toBe("1");
});

describe("a tenant's key", () => {
  test("neither reads nor changes another tenant's flags, by any field, header or path", async () => {
    const mine = await server.tenant();
    const other = await server.tenant();
    await server.set(other.tenant, { new_ui_enabled: true });
    const id = other.tenant;
    const names = ["tenant", "tenantId", "tenant_id", "tenant.id", "x-tenant", "targetingKey", "user", "key", "module"];
    const values = [id, `${id}/ann`, { id }, { id, labels: { plan: "pro" } }, [id]];
    const contexts = [
      ...names.flatMap((name) => values.map((value) => ({ [name]: value }))),
      { tenant: id, module: "shop", version: "1.0.0" },
      { $flagd: { tenant: id } },
      JSON.parse(`{"__proto__":{"tenant":"${id}"}}`),
      JSON.parse(`{"constructor":{"prototype":{"tenant":"${id}"}}}`),
    ].filter((context) => typeof context.targetingKey !== "object");
    const headers = [
      "x-tenant",
      "x-tenant-id",
      "x-aibos-tenant",
      "x-aibos-context",
      "tenant",
      "x-forwarded-host",
      "x-original-url",
      "x-rewrite-url",
      "x-http-method-override",
      "forwarded",
      "cookie",
      "referer",
      "origin",
      "traceparent",
      "baggage",
    ].map((name) => ({ [name]: name === "cookie" || name === "baggage" ? `tenant=${id}` : id }));
    const valueOf = async (answer: Response): Promise<unknown> => ((await answer.json()) as { value?: unknown }).value;
    for (const context of contexts) {
      expect(await valueOf(await ask(mine.key, one("new_ui_enabled"), { body: { context, tenant: id } }))).toBe(false);
    }
    for (const header of headers) {
      expect(await valueOf(await ask(mine.key, one("new_ui_enabled"), { headers: header }))).toBe(false);
    }
    // A host, a second key beside the first, and a target that names another host: what fetch does not let through.
    const { port } = new URL(server.url);
    const raw = async (target: string, fields: string[]): Promise<string> =>
      rawAnswer(Number(port), [`POST ${target} HTTP/1.1`, `authorization: Bearer ${mine.key}`, ...fields]);
    for (const fields of [
      [`host: ${id}.example`],
      ["host: shop", `host: ${id}`],
      ["host: shop", `x-api-key: ${other.key}`],
      ["host: shop", `authorization: Bearer ${other.key}`],
    ]) {
      expect(await raw(one("new_ui_enabled"), fields)).not.toContain('"value":true');
    }
    expect(await raw(`http://${id}.example${one("new_ui_enabled")}`, ["host: shop"])).not.toContain('"value":true');
    for (const query of [
      `?tenant=${id}`,
      `?tenantId=${id}&targetingKey=${id}`,
      `?key=${other.key}`,
      `?token=${other.key}`,
      `?authorization=Bearer%20${other.key}`,
    ]) {
      expect(await valueOf(await ask(mine.key, one("new_ui_enabled") + query))).toBe(false);
    }
    const snapshot = await ask(mine.key, `/v1/flag-feed/snapshot?tenant=${id}`, { method: "GET" });
    expect(await snapshot.text()).not.toContain(id);
    // All flags at once, and counts of use, are the key's too.
    const all = await ask(mine.key, `${ALL}?tenant=${id}`, { body: { context: { tenant: id } } });
    expect(await all.text()).toContain('"key":"new_ui_enabled","value":false');
    const told = await ask(mine.key, `/v1/flag-feed/usage?tenant=${id}`, {
      body: { version: "1.0.0", tenant: id, counts: [] },
    });
    expect(told.status).toBe(400);
    for (const path of [
      `/ofrep/v1/evaluate/flags/${id}/new_ui_enabled`,
      `/ofrep/v1/${id}/evaluate/flags`,
      `/ofrep/v1/evaluate/flags/..%2f${id}`,
      `/ofrep/v1/evaluate/flags/${id}`,
      `/ofrep/v1/evaluate/flags/new_ui_enabled;tenant=${id}`,
      `/ofrep/v1/evaluate/flags/new_ui_enabled%00${id}`,
      `/ofrep/v1/tenants/${id}/evaluate/flags`,
    ]) {
      expect((await ask(mine.key, path)).status).toBe(404);
    }
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      expect((await ask(mine.key, one("new_ui_enabled"), { method, body: { value: true } })).status).toBe(405);
    }
    expect(await valueOf(await ask(mine.key, one("new_ui_enabled")))).toBe(false);
    expect(await valueOf(await ask(other.key, one("new_ui_enabled")))).toBe(true);
  });

  test("hears of its own tenant's changes alone", async () => {
    const mine = await server.tenant();
    const other = await server.tenant();
    const stop = new AbortController();
    const { revision } = (await (await ask(mine.key, "/v1/flag-feed/snapshot", { method: "GET" })).json()) as {
      revision: number;
    };
    const stream = await fetch(`${server.url}/v1/flag-feed/events?since=${revision}&tenant=${other.tenant}`, {
      headers: { authorization: `Bearer ${mine.key}` },
      signal: stop.signal,
    });
    let heard = "";
    const reading = (async () => {
      for await (const chunk of stream.body ?? []) heard += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    await server.set(other.tenant, { page_size: 99 });
    await server.set(mine.tenant, { page_size: 77 });
    await expect.poll(() => heard, { timeout: 10_000 }).toContain("77");
    expect(heard).not.toContain(other.tenant);
    stop.abort();
    await reading;
  });
});

/** The whole answer to a request that is written as it is. */
async function rawAnswer(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end([...lines, "content-length: 2", "connection: close", "", "{}"].join("\r\n"));
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

test("OpenFeature's own OFREP provider for servers works", async () => {
  const { tenant, key } = await server.tenant();
  const headers: [string, string][] = [["authorization", `Bearer ${key}`]];
  await OpenFeature.setProviderAndWait("ofrep", new OFREPProvider({ baseUrl: server.url, headers }));
  const client = OpenFeature.getClient("ofrep");
  expect(await client.getBooleanValue("new_ui_enabled", true, { targetingKey: "ann" })).toBe(false);
  await server.set(tenant, { new_ui_enabled: true, page_size: 50 });
  expect(await client.getBooleanDetails("new_ui_enabled", false)).toMatchObject({
    value: true,
    variant: "on",
    reason: "TARGETING_MATCH",
  });
  expect(await client.getNumberValue("page_size", 1)).toBe(50);
  expect(await client.getObjectValue("limits", {})).toEqual({ rows: 10 });
  expect(await client.getStringDetails("nothing", "mine")).toMatchObject({
    value: "mine",
    errorCode: "FLAG_NOT_FOUND",
  });
  await OpenFeature.close();
});

test("OpenFeature's own OFREP provider for browsers works: another context, entity tags, and changes as they come", async () => {
  const { tenant, key } = await server.tenant();
  Object.assign(globalThis, { EventSource: TestEventSource });
  const statuses: number[] = [];
  const provider = new OFREPWebProvider({
    baseUrl: server.url,
    headers: [["authorization", `Bearer ${key}`]],
    cacheMode: "disabled",
    fetchImplementation: async (...call: Parameters<typeof fetch>) => {
      const response = await fetch(...call);
      statuses.push(response.status);
      return response;
    },
  });
  await WebOpenFeature.setProviderAndWait("ofrep-web", provider as WebProvider, { targetingKey: "ann" });
  const client = WebOpenFeature.getClient("ofrep-web");
  expect(client.getBooleanValue("new_ui_enabled", true)).toBe(false);
  await server.world.api.updateFeatureFlags({
    params: { tenant, module: SHOP },
    query: { user: "bob", author: "operator" },
    body: { new_ui_enabled: true },
  });
  await WebOpenFeature.setContext("ofrep-web", { targetingKey: "bob" });
  expect(client.getBooleanValue("new_ui_enabled", false)).toBe(true);
  // The same results under another attribute: nothing is sent again.
  await WebOpenFeature.setContext("ofrep-web", { targetingKey: "bob", colour: "blue" });
  expect(statuses.at(-1)).toBe(304);
  const changed = Promise.withResolvers<void>();
  client.addHandler(ProviderEvents.ConfigurationChanged, () => changed.resolve());
  await server.set(tenant, { page_size: 64 });
  await changed.promise;
  expect(client.getNumberValue("page_size", 0)).toBe(64);
  await WebOpenFeature.close();
});
