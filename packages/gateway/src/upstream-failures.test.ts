import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { startFakeUpstream, type UpstreamListener } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

/** Dies at the first requests, and answers the others. */
function dyingAt(first: number): UpstreamListener {
  let requests = 0;
  return (request, response) => {
    requests += 1;
    if (requests <= first) request.socket.destroy();
    else response.end(`answer ${requests}`);
  };
}

/** Answers each connection's first data with bytes of its own. */
async function startByteUpstream(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => answer(socket));
    onTestFinished(() => void socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

describe("a process that dies before it answers", () => {
  test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])("gets %s once more, on another connection", async (method) => {
    const upstream = await startFakeUpstream(dyingAt(1));
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const response = await fetch(`${gateway.url}/t/acme/notes/x`, { method });
    expect(response.status).toBe(200);
    expect(upstream.requests.map((request) => request.method)).toEqual([method, method]);
    expect(upstream.requests[0]?.socket).not.toBe(upstream.requests[1]?.socket);
  });

  test("on a connection that was kept is asked on a new one: the others that were kept are over too", async () => {
    const answered = new WeakSet<object>();
    const upstream = await startFakeUpstream((request, response) => {
      if (answered.has(request.socket)) request.socket.resetAndDestroy();
      else setTimeout(() => response.end("answer"), 20);
      answered.add(request.socket);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const ask = async () => (await fetch(`${gateway.url}/t/acme/notes`)).text();
    await Promise.all([ask(), ask(), ask()]);
    expect(await ask()).toBe("answer");
    expect(upstream.requests).toHaveLength(5);
  });

  test("twice is a failure of the module: 502, and no third try", async () => {
    const upstream = await startFakeUpstream(dyingAt(9));
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    expect(response.status).toBe(502);
    const problem = await response.text();
    expect(JSON.parse(problem)).toMatchObject({ code: "AIBOS_GATEWAY_UPSTREAM_FAILED", status: 502 });
    expect(problem).not.toContain(new URL(upstream.url).port);
    expect(upstream.requests).toHaveLength(2);
  });

  test.each([
    ["POST", undefined],
    ["PATCH", undefined],
    ["POST", "a body"],
    ["PUT", "a body"],
  ])("does not get %s with body %j again: it may have been done", async (method, body) => {
    const upstream = await startFakeUpstream(dyingAt(1));
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method, ...(body !== undefined && { body }) });
    expect(response.status).toBe(502);
    expect(upstream.requests).toHaveLength(1);
    const next = await fetch(`${gateway.url}/t/acme/notes`, { method, ...(body !== undefined && { body }) });
    expect(await next.text()).toBe("answer 2");
  });

  test("is left for another one, which gets the repetition", async () => {
    const dying = await startFakeUpstream((request) => void request.socket.destroy());
    const healthy = await startFakeUpstream((_request, response) => response.end("healthy"));
    const { gateway } = await gatewayWith([endpointsOf([dying.url, healthy.url]), routeOf()]);
    for (let index = 0; index < 4; index += 1) {
      expect(await (await fetch(`${gateway.url}/t/acme/notes`)).text()).toBe("healthy");
    }
    expect(dying.requests.length).toBeGreaterThan(0);
  });
});

describe("a process that can't be reached", () => {
  test("is passed over also for a request with a body, none of which is lost", async () => {
    const gone = await startFakeUpstream();
    await gone.stop();
    const healthy = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([gone.url, healthy.url]), routeOf()]);
    for (let index = 0; index < 4; index += 1) {
      const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: `body ${index}` });
      expect(await response.json()).toMatchObject({ method: "POST", body: `body ${index}` });
    }
  });

  test("and is the only one makes 502", async () => {
    const gone = await startFakeUpstream();
    await gone.stop();
    const { gateway } = await gatewayWith([endpointsOf([gone.url]), routeOf()]);
    for (const method of ["GET", "POST"]) {
      const response = await fetch(`${gateway.url}/t/acme/notes`, { method });
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ code: "AIBOS_GATEWAY_UPSTREAM_FAILED" });
    }
  });
});

describe("a process that breaks off in its answer", () => {
  test.each([
    ["with a length", { "content-length": "100" }],
    ["in chunks", {}],
  ])("breaks the client's connection: half an answer %s does not look whole", async (_case, headers) => {
    const upstream = await startFakeUpstream((request, response) => {
      response.writeHead(200, headers);
      response.write("half", () => request.socket.destroy());
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("terminated");
    expect(upstream.requests).toHaveLength(1);
  });

  test("and never goes on with it breaks the connection after the time between parts", async () => {
    const upstream = await startFakeUpstream((_request, response) => void response.write("half"));
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { upstreamBodyTimeout: 50 });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    await expect(response.text()).rejects.toThrow("terminated");
  });
});

describe("a process that does not answer in time", () => {
  test("makes 504, and is not asked again", async () => {
    const upstream = await startFakeUpstream(() => undefined);
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { upstreamHeadersTimeout: 50 });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: "AIBOS_GATEWAY_UPSTREAM_TIMEOUT" });
    expect(upstream.requests).toHaveLength(1);
  });
});

describe("a process all of whose connections are busy", () => {
  test("makes 503 with Retry-After for those who would wait for too long, and is healthy still", async () => {
    const upstream = await startFakeUpstream((request, response) => {
      if (request.url === "/quick") response.end("quick");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], {
      connectionsPerUpstream: 1,
      upstreamWaitTimeout: 50,
      upstreamConnectFailures: 1,
      upstreamFailures: 1,
    });
    const leave = new AbortController();
    const arrived = once(upstream.server, "request");
    const busy = fetch(`${gateway.url}/t/acme/notes`, { signal: leave.signal }).catch(() => "left");
    await arrived;
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: "a body" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await response.json()).toMatchObject({ code: "AIBOS_GATEWAY_UPSTREAM_BUSY" });
    leave.abort();
    expect(await busy).toBe("left");
    expect(await (await fetch(`${gateway.url}/t/acme/notes/quick`)).text()).toBe("quick");
  });
});

describe("an answer that is no HTTP, or not one to pass on", () => {
  test.each([
    ["something else", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["two different lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
    ["length and chunks", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a header with a null byte", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"],
    ["headers without end", `HTTP/1.1 200 OK\r\n${`x: ${"y".repeat(1_000)}\r\n`.repeat(100)}`],
  ])("(%s) makes 502", async (_case, bytes) => {
    const url = await startByteUpstream((socket) => socket.write(bytes, "latin1"));
    const { gateway } = await gatewayWith([endpointsOf([url]), routeOf()]);
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST" });
    expect(response.status).toBe(502);
  });

  test.each([
    ["control characters in a header", "HTTP/1.1 200 OK\r\nx: a\x01b\r\ncontent-length: 2\r\n\r\nok"],
    ["control characters in the status text", "HTTP/1.1 200 O\x01K\r\ncontent-length: 2\r\n\r\nok"],
    ["UTF-8 in the status text", "HTTP/1.1 200 gr\xc3\xbcn\r\ncontent-length: 2\r\n\r\nok"],
    ["a status text beyond latin1", "HTTP/1.1 200 \xe2\x9c\x93\r\ncontent-length: 2\r\n\r\nok"],
    ["a status out of range", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok"],
    ["an upgrade that nobody asked for", "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
  ])("(%s) does the gateway no harm, and ends the request", async (_case, bytes) => {
    const url = await startByteUpstream((socket) => socket.end(bytes, "latin1"));
    const { gateway } = await gatewayWith([endpointsOf([url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write("POST /t/acme/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    const answer = await raw.ended();
    expect(answer).toMatch(/^(HTTP\/1.1 (200|502|999) |$)/);
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
  });
});

describe("a client that goes away", () => {
  test("ends its request at the module, before the answer", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerResponse>();
    const upstream = await startFakeUpstream((_request, response) => arrive(response));
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const leave = new AbortController();
    const left = fetch(`${gateway.url}/t/acme/notes`, { signal: leave.signal }).catch(() => "left");
    const response = await arrived;
    const closed = once(response, "close");
    leave.abort();
    await closed;
    expect(await left).toBe("left");
    expect(response.writableFinished).toBe(false);
    expect(upstream.requests).toHaveLength(1);
  });

  test("ends its request at the module, in the middle of the answer", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerResponse>();
    const upstream = await startFakeUpstream((_request, response) => {
      response.write("half");
      arrive(response);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const leave = new AbortController();
    await fetch(`${gateway.url}/t/acme/notes`, { signal: leave.signal });
    const answer = await arrived;
    const closed = once(answer, "close");
    leave.abort();
    await closed;
    expect(answer.writableFinished).toBe(false);
  });

  test("ends its request at the module, in the middle of its body", async () => {
    const upstream = await startFakeUpstream((request) => void request.resume());
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const arrived = once(upstream.server, "request");
    const raw = await openRawConnection(gateway.url);
    raw.write("POST /t/acme/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    const [, response] = (await arrived) as [unknown, ServerResponse];
    const closed = once(response, "close");
    raw.socket.destroy();
    await closed;
    expect(upstream.requests[0]?.complete).toBe(false);
  });

  test("while a busy process keeps its request waiting never has it sent", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerResponse>();
    const upstream = await startFakeUpstream((request, response) => {
      if (request.url === "/first") arrive(response);
      else response.end();
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { connectionsPerUpstream: 1 });
    const first = fetch(`${gateway.url}/t/acme/notes/first`);
    const response = await arrived;
    const second = await openRawConnection(gateway.url);
    second.write("POST /t/acme/notes/second HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    // A third request on the same connections' queue tells when the second has gone in.
    const third = fetch(`${gateway.url}/t/acme/notes/third`);
    second.socket.destroy();
    await once(second.socket, "close");
    await fetch(`${gateway.url}/t/acme/other`);
    response.end();
    expect((await first).status).toBe(200);
    expect((await third).status).toBe(200);
    expect(upstream.requests.map(({ url }) => url)).toEqual(["/first", "/third"]);
  });
});
