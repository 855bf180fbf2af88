import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import {
  createMultiVersionClient,
  type FeedMessage,
  feedMessageSchema,
  type GatewayReport,
  type Migration,
  MigrationNotFoundError,
  PortTakenError,
  readJsonLines,
} from "@aibos/contract";
import { createHttpApp, type HttpAppOptions } from "./app.ts";
import { type HttpServer, serveHttp } from "./serve-http.ts";
import { BEARER, fakePlatform, someMigration, TOKEN, untilAborted } from "./testing/fake-platform.ts";

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(parts: Partial<HttpAppOptions> = {}): Promise<HttpServer> {
  const server = await serveHttp({ app: createHttpApp(fakePlatform(parts)), host: "127.0.0.1", port: 0 });
  servers.push(server);
  return server;
}

/** Waits until a condition holds; the test's own time limit is the end of it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const heartbeat: FeedMessage = { type: "heartbeat", revision: 7 };

describe("listening", () => {
  test("a taken port is told as such, with the way out", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const attempt = serveHttp({ app: createHttpApp(fakePlatform()), host: "127.0.0.1", port });
    await expect(attempt).rejects.toThrow(PortTakenError);
    await expect(attempt).rejects.toThrow(/--port/);
    other.close();
  });

  test("the address that is told is the one that answers", async () => {
    const { url } = await serve();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe("closing", () => {
  test("ends a feed at the end of a line, and lets go of its source", async () => {
    let ended = false;
    const server = await serve({
      feed: {
        async *subscribe({ signal }) {
          yield* untilAborted(heartbeat, signal);
          ended = true;
        },
      },
    });
    const response = await fetch(`${server.url}/v1/gateway/feed?gateway=g1`, { headers: BEARER });
    const lines = readJsonLines(response);
    expect((await lines.next()).value).toEqual(heartbeat);
    await server.close();
    expect(await lines.next()).toMatchObject({ done: true });
    expect(ended).toBe(true);
  });

  test("waits for the answer of a request that is under way", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const server = await serve({
      recordReport: async () => {
        arrive();
        await mayAnswer;
      },
    });
    const report: GatewayReport = {
      gatewayId: "g1",
      url: "http://x",
      appliedRevision: 1,
      draining: [],
      startedAt: 0,
      mirrors: [],
      ejected: [],
    };
    const response = fetch(`${server.url}/v1/gateway/reports`, {
      method: "POST",
      headers: { ...BEARER, "content-type": "application/json" },
      body: JSON.stringify(report),
    });
    await arrived;
    const closed = server.close();
    answer();
    expect((await response).status).toBe(204);
    await closed;
  });
});

describe("a feed", () => {
  test("tells the source what the gateway knows, and sends its messages as they come", async () => {
    const seen: unknown[] = [];
    const { url } = await serve({
      feed: {
        async *subscribe({ feed, since, signal }) {
          seen.push({ feed, since });
          yield* untilAborted(heartbeat, signal);
        },
      },
    });
    const stop = new AbortController();
    const address = `${url}/v1/gateway/feed?gateway=g1&feed=abc&since=41`;
    const response = await fetch(address, { headers: BEARER, signal: stop.signal });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const { value } = await readJsonLines(response).next();
    expect(feedMessageSchema.parse(value)).toEqual(heartbeat);
    expect(seen).toEqual([{ feed: "abc", since: 41 }]);
    stop.abort();
  });

  test("ends at its source when the gateway goes away", async () => {
    let ended = false;
    const { url } = await serve({
      feed: {
        async *subscribe({ signal }) {
          yield* untilAborted(heartbeat, signal);
          ended = true;
        },
      },
    });
    const stop = new AbortController();
    const response = await fetch(`${url}/v1/gateway/feed?gateway=g1`, { headers: BEARER, signal: stop.signal });
    await readJsonLines(response).next();
    stop.abort();
    await until(() => ended);
    expect(ended).toBe(true);
  });

  test("holds its source back when the gateway reads slowly", async () => {
    let produced = 0;
    const { url } = await serve({
      feed: {
        async *subscribe() {
          const reason = "x".repeat(64 * 1024);
          for (; produced < 10_000; produced += 1) {
            const route = { kind: "route" as const, tenant: reason, module: "m", route: null };
            yield { type: "delta" as const, revision: produced + 1, changes: [route] };
          }
        },
      },
    });
    const { hostname, port } = new URL(url);
    const request = httpRequest({ hostname, port, path: "/v1/gateway/feed?gateway=g1", headers: BEARER }).end();
    const [response] = await once(request, "response");
    let before = -1;
    while (produced !== before) {
      before = produced;
      await sleep(200);
    }
    // What is on the way fills the sockets' buffers, and no more.
    expect(produced).toBeLessThan(1_000);
    response.destroy();
  });

  test.each(["", "gateway=a b", "gateway=g1&since=-1", "gateway=g1&since=x", "gateway=g1&other=1"])(
    "asked for with %j is refused",
    async (query) => {
      const { url } = await serve();
      expect((await fetch(`${url}/v1/gateway/feed?${query}`, { headers: BEARER })).status).toBe(400);
    },
  );

  test("asked for by HEAD starts nothing that goes on", async () => {
    let ended = false;
    const { url } = await serve({
      feed: {
        async *subscribe() {
          try {
            yield heartbeat;
            yield heartbeat;
          } finally {
            ended = true;
          }
        },
      },
    });
    const response = await fetch(`${url}/v1/gateway/feed?gateway=g1`, { headers: BEARER, method: "HEAD" });
    expect(response.status).toBe(200);
    expect(ended).toBe(true);
  });
});

describe("watching", () => {
  test("gives each change and ends with the operation", async () => {
    const changes = [
      someMigration(),
      someMigration({ step: "hop" }),
      someMigration({ finishedAt: "2027-01-31T09:31:00.000Z" }),
    ];
    const { url } = await serve({
      async *watchMigration() {
        yield* changes;
      },
    });
    const seen: Migration[] = [];
    for await (const migration of createMultiVersionClient({ url, token: TOKEN }).watchMigration("mig_1")) {
      seen.push(migration);
    }
    expect(seen).toEqual(changes);
  });

  test("an unknown operation is answered 404, not with a stream that breaks", async () => {
    const { url } = await serve({
      watchMigration: (migrationId) => ({
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            throw new MigrationNotFoundError(migrationId);
          },
        }),
      }),
    });
    const response = await fetch(`${url}/v1/migrations/mig_none/events`, { headers: BEARER });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "AIBOS_MIGRATION_NOT_FOUND" });
  });

  test("a source that fails midway breaks the connection off: nobody takes it for the end", async () => {
    const { url } = await serve({
      async *watchMigration() {
        yield someMigration();
        throw new Error("the database went away");
      },
    });
    const response = await fetch(`${url}/v1/migrations/mig_1/events`, { headers: BEARER });
    await expect(response.text()).rejects.toThrow("terminated");
  });
});

describe("publishing", () => {
  const archive = Buffer.from("pretend that this is a gzip");
  const published = { module: "notes", version: "1.0.0", digest: "d".repeat(64), sizeBytes: archive.length };

  test("hands the bytes over as they are: 201 for new content, 200 for content that was there", async () => {
    const seen: Buffer[] = [];
    const { url } = await serve({
      publish: async (bytes) => {
        seen.push(bytes);
        return { ...published, created: seen.length === 1 };
      },
    });
    const headers = { ...BEARER, "content-type": "application/gzip" };
    const post = () => fetch(`${url}/v1/modules`, { method: "POST", headers, body: Uint8Array.from(archive) });
    expect((await post()).status).toBe(201);
    expect((await post()).status).toBe(200);
    expect(seen).toEqual([archive, archive]);
  });

  test("refuses what does not say that it is an archive", async () => {
    const { url } = await serve();
    const headers = { ...BEARER, "content-type": "application/json" };
    expect((await fetch(`${url}/v1/modules`, { method: "POST", headers, body: "{}" })).status).toBe(400);
  });

  test("stops reading a body that grows beyond the limit without having told its length", async () => {
    const { url } = await serve();
    const request = httpRequest(`${url}/v1/modules`, {
      method: "POST",
      headers: { ...BEARER, "content-type": "application/gzip", "transfer-encoding": "chunked" },
    });
    const answered = once(request, "response");
    // The server closes while the rest is on the way.
    request.on("error", () => undefined);
    request.setMaxListeners(0);
    const megabyte = Buffer.alloc(1024 * 1024);
    for (let sent = 0; sent < 200 && !request.destroyed; sent += 1) {
      if (!request.write(megabyte)) await Promise.race([once(request, "drain").catch(() => undefined), answered]);
    }
    const [response] = await answered;
    expect(response.statusCode).toBe(413);
    request.destroy();
  });
});

test("the contract's client reads a failure back as it was", async () => {
  const { url } = await serve();
  const client = createMultiVersionClient({ url, token: "not-the-right-token" });
  await expect(client.getStatus()).rejects.toMatchObject({ code: "AIBOS_UNAUTHORIZED", status: 401 });
});
