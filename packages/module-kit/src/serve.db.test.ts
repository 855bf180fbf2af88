import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createTestDatabase } from "@aibos/local-postgres/testing";
import { createNotesDatabase, type NotesDatabase } from "./testing/notes-database.ts";
import { serveFetch } from "./serve.ts";

const MODULE = fileURLToPath(new URL("./testing/slow-module.ts", import.meta.url));

let database: NotesDatabase;
let child: ChildProcess | undefined;

beforeAll(async () => {
  database = await createNotesDatabase(await createTestDatabase());
});
afterEach(() => {
  child?.kill("SIGKILL");
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

async function startModule(): Promise<{ url: string; lines: AsyncIterator<string>; exit: Promise<unknown[]> }> {
  const started = spawn(process.execPath, [MODULE], {
    env: database.environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  const exit = once(started, "exit");
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  const { value: port } = await lines.next();
  return { url: `http://127.0.0.1:${String(port)}`, lines, exit };
}

test("on SIGTERM a module finishes its requests, takes no more, and ends", async () => {
  const { url, lines, exit } = await startModule();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(url)).status).toBe(401);
  const slow = fetch(`${url}/slow`, { headers: { "x-aibos-context": database.sign("acme") } });
  expect((await lines.next()).value).toBe("slow");
  child?.kill("SIGTERM");
  const answer = await slow;
  expect(await answer.json()).toEqual([{ body: "of acme" }]);
  expect(await exit).toEqual([0, null]);
  await expect(fetch(url)).rejects.toThrow("fetch failed");
});

test("a request that never ends is cut off when the time is up", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const server = await serveFetch(
    () => {
      begin();
      return new Promise<Response>(() => undefined);
    },
    { port: 0, graceMs: 20 },
  );
  const endless = fetch(`http://127.0.0.1:${server.port}`).catch((error: unknown) => String(error));
  await begun;
  await server.stop();
  expect(await endless).toContain("fetch failed");
});

test("answers that are under way at a stop arrive whole, and their connections end", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const large = "x".repeat(1_000_000);
  const server = await serveFetch(
    async (request) => {
      if (!request.url.endsWith("/stream")) {
        await released;
        return new Response(large);
      }
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      void writer
        .write(Buffer.from("begun"))
        .then(begin)
        .then(() => released)
        .then(() => writer.write(Buffer.from(large)))
        .then(() => writer.close());
      return new Response(readable);
    },
    // Longer than the test may take.
    { port: 0, graceMs: 60_000 },
  );
  const agent = new Agent({ keepAlive: true });
  const ask = (path: string): Promise<{ connection: string | undefined; length: number }> =>
    new Promise((resolve, reject) => {
      get({ host: "127.0.0.1", port: server.port, path, agent }, (response) => {
        let length = 0;
        response.on("data", (chunk: Buffer) => (length += chunk.length));
        response.on("end", () => resolve({ connection: response.headers.connection, length }));
        response.on("error", reject);
      }).on("error", reject);
    });
  const answers = Promise.all([ask("/"), ask("/stream")]);
  await begun;
  const stopped = server.stop();
  release();
  expect(await answers).toEqual([
    { connection: "close", length: 1_000_000 },
    { connection: "keep-alive", length: 1_000_005 },
  ]);
  await stopped;
  agent.destroy();
});

test("a port that is taken is told at once", async () => {
  const server = await serveFetch(() => new Response(), { port: 0 });
  await expect(serveFetch(() => new Response(), { port: server.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await server.stop();
});
