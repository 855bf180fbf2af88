import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { ConnectionPool, type PoolSettings, type UpstreamRequest } from "./connection-pool.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const GET: UpstreamRequest = { method: "GET", path: "/", headers: [], body: null };

/** A pool to a server on bare sockets, which are given to `answer` with what came on them so far. */
async function poolTo(answer: (socket: Socket, said: string) => void, settings: Partial<PoolSettings> = {}) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let said = "";
    socket.on("error", () => socket.destroy()).on("data", (part) => answer(socket, (said += part.toString("latin1"))));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const pool = new ConnectionPool(new URL(`http://127.0.0.1:${port}`), {
    connections: 8,
    maxWaiting: 8,
    waitTimeout: 5_000,
    connectTimeout: 5_000,
    headersTimeout: 5_000,
    bodyTimeout: 5_000,
    maxHeaderBytes: 4_096,
    ...settings,
  });
  onTestFinished(() => {
    pool.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { pool, sockets };
}

/** Sends a request; its answer's body, or the code of its failure. */
function ask(pool: ConnectionPool, request: UpstreamRequest = GET): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let body = "";
  pool.dispatch(request, {
    started: () => undefined,
    head: () => undefined,
    data: (part) => (body += part.toString("latin1")),
    flush: () => undefined,
    end: () => resolve(body),
    failed: (error) => resolve("code" in error ? String(error.code) : error.message),
  });
  return promise;
}

test("requests go one after the other over a connection that is kept", async () => {
  const { pool, sockets } = await poolTo((socket) => socket.write(OK));
  for (let number = 0; number < 3; number += 1) expect(await ask(pool)).toBe("ok");
  expect(sockets).toHaveLength(1);
});

test("no more connections are made than are allowed; what is over waits", async () => {
  const { pool, sockets } = await poolTo((socket) => setTimeout(() => socket.write(OK), 20), { connections: 2 });
  expect(await Promise.all(Array.from({ length: 7 }, () => ask(pool)))).toEqual(Array.from({ length: 7 }, () => "ok"));
  expect(sockets).toHaveLength(2);
});

test("what an upstream says unasked is nobody's answer", async () => {
  const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
  const { pool, sockets } = await poolTo((socket) => {
    socket.write(OK);
    if (sockets.length === 1) setTimeout(() => socket.write(evil), 10);
  });
  expect(await ask(pool)).toBe("ok");
  await sleep(50);
  expect(await ask(pool)).toBe("ok");
  expect(sockets).toHaveLength(2);
});

test("a connection whose answer came before its request's end is not used again", async () => {
  const { pool, sockets } = await poolTo((socket, said) => {
    if (said.endsWith("\r\n\r\n") || said.endsWith("first\r\n")) socket.write(OK);
  });
  const body = new Readable({ read: () => undefined });
  body.push("first");
  expect(await ask(pool, { ...GET, method: "POST", body })).toBe("ok");
  expect(body.destroyed).toBe(true);
  expect(await ask(pool)).toBe("ok");
  expect(sockets).toHaveLength(2);
});

test.each([
  ["HEADERS_TIMEOUT", "", { headersTimeout: 100 }],
  ["BODY_TIMEOUT", OK.slice(0, -1), { bodyTimeout: 100 }],
])("an upstream that is silent is given up: %s", async (code, said, settings) => {
  const { pool } = await poolTo((socket) => void socket.write(said), settings);
  expect(await ask(pool)).toBe(code);
});

test("a stall of this process is not the upstream's: what it says right after it is an answer in time", async () => {
  const { pool } = await poolTo((socket) => setTimeout(() => socket.write(OK), 20), { headersTimeout: 200 });
  const asked = ask(pool);
  await sleep(10);
  const until = performance.now() + 1_000;
  while (performance.now() < until);
  expect(await asked).toBe("ok");
});

describe("when all connections are busy", () => {
  test("so many requests wait as may, and no longer than they may", async () => {
    const { pool } = await poolTo(() => undefined, { connections: 1, maxWaiting: 2, waitTimeout: 100 });
    const [, ...others] = Array.from({ length: 5 }, () => ask(pool));
    expect((await Promise.all(others)).toSorted()).toEqual(["POOL_FULL", "POOL_FULL", "POOL_TIMEOUT", "POOL_TIMEOUT"]);
  });

  test("one that is withdrawn leaves its place and is never sent", async () => {
    const paths: (string | undefined)[] = [];
    const { pool } = await poolTo(
      (socket, said) => {
        paths.push(said.match(/\/\w+(?= HTTP)/g)?.at(-1));
        setTimeout(() => socket.write(OK), 50);
      },
      { connections: 1, maxWaiting: 1 },
    );
    const first = ask(pool, { ...GET, path: "/first" });
    await expect.poll(() => paths.length).toBe(1);
    const handler = { started() {}, head() {}, data() {}, flush() {}, end() {}, failed() {} };
    pool.dispatch({ ...GET, path: "/second" }, handler);
    pool.withdraw(handler);
    expect(await Promise.all([first, ask(pool, { ...GET, path: "/third" })])).toEqual(["ok", "ok"]);
    expect(paths).toEqual(["/first", "/third"]);
  });

  test("one that must have a new connection gets the place of one that is idle", async () => {
    const { pool, sockets } = await poolTo((socket) => socket.write(OK), { connections: 1 });
    expect(await ask(pool)).toBe("ok");
    expect(await ask(pool, { ...GET, onNewConnection: true })).toBe("ok");
    expect(sockets).toHaveLength(2);
    await expect.poll(() => sockets[0]?.closed).toBe(true);
  });
});

test("a body is sent in chunks, or with the length that it is said to have and no other", async () => {
  let heard = "";
  const { pool } = await poolTo((socket, said) => {
    heard = said;
    if (/(0\r\n\r\n|four)$/.test(said)) socket.write(OK);
  });
  const post = (headers: string[], text: string) =>
    ask(pool, { method: "POST", path: "/", headers, body: Readable.from([Buffer.from(text)]) });
  expect(await post([], "four")).toBe("ok");
  expect(heard).toMatch(/transfer-encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n$/);
  expect(await post(["content-length", "4"], "four")).toBe("ok");
  expect(heard).toMatch(/content-length: 4\r\n\r\nfour$/);
  for (const text of ["three", "one"]) expect(await post(["content-length", "4"], text)).toBe("REQUEST_INVALID");
});

test.each([
  ["a line's end in a field", { headers: ["a", "b\r\nc: d"] }],
  ["what becomes one when it is written", { headers: ["a", "b\u010Ac"] }],
  ["a space in the path", { path: "/a b" }],
])("%s is not written", async (_what, part) => {
  const { pool, sockets } = await poolTo((socket) => socket.write(OK));
  expect(await ask(pool, { ...GET, ...part })).toBe("REQUEST_INVALID");
  expect(sockets).toHaveLength(0);
});

test("a pool that closes lets its requests end, and a pool that is destroyed does not", async () => {
  const slow = await poolTo((socket) => setTimeout(() => socket.write(OK), 50));
  const first = ask(slow.pool);
  await expect.poll(() => slow.sockets.length).toBe(1);
  slow.pool.close();
  expect(await first).toBe("ok");
  const dead = await poolTo(() => undefined);
  const second = ask(dead.pool);
  await expect.poll(() => dead.sockets.length).toBe(1);
  dead.pool.destroy();
  expect(await second).toBe("CONNECTION_CLOSED");
  expect(await ask(dead.pool)).toBe("CONNECTION_CLOSED");
  expect(dead.sockets).toHaveLength(1);
});
