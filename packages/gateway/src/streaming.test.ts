import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { describe, expect, test } from "vitest";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

async function gatewayTo(...parameters: Parameters<typeof startFakeUpstream>) {
  const upstream = await startFakeUpstream(...parameters);
  return { upstream, ...(await gatewayWith([endpointsOf([upstream.url]), routeOf()])) };
}

const MEGABYTE = 1024 * 1024;

describe("an answer", () => {
  test("arrives part by part, headers first, before its end", async () => {
    const { promise: maySend, resolve: send } = Promise.withResolvers<void>();
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const { gateway } = await gatewayTo(async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      await maySend;
      response.write("data: 1\n\n");
      await mayEnd;
      response.end("data: 2\n\n");
    });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    send();
    expect((await reader?.read())?.value).toBe("data: 1\n\n");
    end();
    expect((await reader?.read())?.value).toBe("data: 2\n\n");
    expect((await reader?.read())?.done).toBe(true);
  });

  test("that nobody reads is held back at the module", async () => {
    let written = 0;
    const { promise: stuck, resolve } = Promise.withResolvers<void>();
    const { gateway, upstream } = await gatewayTo(async (_request, response) => {
      const part = Buffer.alloc(MEGABYTE);
      while (written < 80 * MEGABYTE && !response.destroyed) {
        written += part.length;
        if (response.write(part)) continue;
        const drained = once(response, "drain").catch(() => undefined);
        const timer = setTimeout(resolve, 300);
        await drained;
        clearTimeout(timer);
      }
      response.end();
    });
    const request = httpRequest(`${gateway.url}/t/acme/notes`).end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.pause();
    await stuck;
    expect(written).toBeLessThan(40 * MEGABYTE);
    let received = 0;
    response.on("data", (part: Buffer) => (received += part.length)).resume();
    await once(response, "end");
    expect(received).toBe(80 * MEGABYTE);
    expect(upstream.requests).toHaveLength(1);
  });

  test("to HEAD, of 204 and of 304 have no body and leave the connection usable", async () => {
    const { gateway } = await gatewayTo((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      if (request.method === "HEAD") response.setHeader("content-length", "5");
      response.end();
    });
    const raw = await openRawConnection(gateway.url);
    raw.write("HEAD /t/acme/notes/200 HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await raw.received(/\r\n\r\n$/)).toMatch(/content-length: 5\r\n/i);
    for (const status of [204, 304]) {
      raw.write(`GET /t/acme/notes/${status} HTTP/1.1\r\nhost: x\r\n\r\n`);
      await raw.received(new RegExp(`HTTP/1.1 ${status} [^]*\r\n\r\n$`));
    }
    expect(raw.text).not.toMatch(/transfer-encoding/i);
  });

  test("keeps its status text, repeated fields and bytes above 127", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      response.writeHead(299, "Quite Fine", ["x-name", "J\xf6rg", "x-list", "a", "X-List", "b", "content-length", "0"]);
      response.end();
    });
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    const answer = await raw.ended();
    expect(answer).toMatch(/^HTTP\/1.1 299 Quite Fine\r\n/);
    expect(answer).toContain("x-name: J\xf6rg\r\n");
    expect(answer).toContain("x-list: a\r\nX-List: b\r\n");
  });

  test("in chunks reaches a client of HTTP/1.0 without them", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      response.write("one ");
      response.end("two");
    });
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.0\r\nhost: x\r\n\r\n");
    const answer = await raw.ended();
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(answer).toMatch(/\r\n\r\none two$/);
  });
});

describe("a request's body", () => {
  test("of any size arrives whole, with its length or in chunks", async () => {
    const { gateway, upstream } = await gatewayTo(async (request, response) => {
      let size = 0;
      for await (const part of request) size += (part as Buffer).length;
      response.end(String(size));
    });
    const whole = Buffer.alloc(20 * MEGABYTE);
    const withLength = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: whole });
    expect(await withLength.text()).toBe(String(whole.length));
    const inChunks = await fetch(`${gateway.url}/t/acme/notes`, {
      method: "PUT",
      body: new Blob([whole]).stream(),
      duplex: "half",
    });
    expect(await inChunks.text()).toBe(String(whole.length));
    expect(upstream.requests[0]?.headers["content-length"]).toBe(String(whole.length));
    expect(upstream.requests[1]?.headers["transfer-encoding"]).toBe("chunked");
  });

  test("goes with GET and DELETE too, and may be empty", async () => {
    const { gateway, upstream } = await gatewayTo();
    for (const method of ["GET", "DELETE", "QUERY"]) {
      const request = httpRequest(`${gateway.url}/t/acme/notes`, { method, headers: { "content-length": 5 } });
      request.end("hello");
      const [response] = (await once(request, "response")) as [IncomingMessage];
      expect(await new Response(response).json()).toMatchObject({ method, body: "hello" });
    }
    const empty = httpRequest(`${gateway.url}/t/acme/notes`, { method: "POST", headers: { "content-length": 0 } });
    const [response] = (await once(empty.end(), "response")) as [IncomingMessage];
    expect(await new Response(response).json()).toMatchObject({ method: "POST", body: "" });
    expect(upstream.requests.at(-1)?.headers["content-length"]).toBe("0");
  });

  test("is held back at the client while the module does not read", async () => {
    const { promise: mayRead, resolve: read } = Promise.withResolvers<void>();
    const { gateway } = await gatewayTo(async (request, response) => {
      request.pause();
      await mayRead;
      let size = 0;
      for await (const part of request) size += (part as Buffer).length;
      response.end(String(size));
    });
    const total = 80 * MEGABYTE;
    const request = httpRequest(`${gateway.url}/t/acme/notes`, {
      method: "POST",
      headers: { "content-length": total },
    });
    const answered = once(request, "response");
    const part = Buffer.alloc(MEGABYTE);
    let written = 0;
    let wasStuck = false;
    while (written < total) {
      written += part.length;
      if (request.write(part)) continue;
      // Nothing was taken for so long: the buffers on the way are full.
      const stuck = setTimeout(() => {
        // Later it is a busy machine that makes it wait.
        if (wasStuck) return;
        wasStuck = true;
        expect(written).toBeLessThan(total / 2);
        read();
      }, 300);
      await once(request, "drain");
      clearTimeout(stuck);
    }
    request.end();
    const [response] = (await answered) as [IncomingMessage];
    expect(await new Response(response).text()).toBe(String(total));
    expect(wasStuck).toBe(true);
  });

  test("may go on while the answer goes on already", async () => {
    const { gateway } = await gatewayTo((request, response) => {
      response.flushHeaders();
      request.pipe(response);
    });
    const request = httpRequest(`${gateway.url}/t/acme/notes`, { method: "POST" });
    request.write("ping");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect(String((await once(response, "data"))[0])).toBe("ping");
    request.write("pong");
    expect(String((await once(response, "data"))[0])).toBe("pong");
    request.end();
    response.resume();
    await once(response, "end");
  });

  test("that the module does not want to the end does not keep its answer from the client", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      response.writeHead(413).end("too much");
    });
    const raw = await openRawConnection(gateway.url);
    raw.write("POST /t/acme/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nbegin");
    expect(await raw.received("too much")).toMatch(/^HTTP\/1.1 413 /);
    // The rest of the body is not taken for a request.
    raw.write(`${"x".repeat(995)}GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect((await raw.received(/ 413 [^]* 413 /)).match(/HTTP\/1.1/g)).toHaveLength(2);
  });
});

describe("100-continue", () => {
  const ask =
    "POST /t/acme/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n";

  test("is said when a process is ready to take the body, once", async () => {
    const { gateway, upstream } = await gatewayTo();
    const raw = await openRawConnection(gateway.url);
    raw.write(ask);
    expect(await raw.received("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    raw.write("hello");
    const answer = await raw.ended();
    expect(answer).toContain('"body":"hello"');
    expect(answer.match(/100 Continue/g)).toHaveLength(1);
    expect(upstream.requests[0]?.headers).not.toHaveProperty("expect");
  });

  test("is not said when the answer is known without the body", async () => {
    const { gateway } = await gatewayTo();
    const raw = await openRawConnection(gateway.url);
    raw.write(ask.replace("acme", "globex"));
    const answer = await raw.received("AIBOS_GATEWAY_ROUTE_UNKNOWN");
    expect(answer).toMatch(/^HTTP\/1.1 404 /);
  });

  test("is not said when no process can be reached", async () => {
    const { gateway, upstream } = await gatewayTo();
    await upstream.stop();
    const raw = await openRawConnection(gateway.url);
    raw.write(ask);
    expect(await raw.received("AIBOS_GATEWAY_UPSTREAM_FAILED")).toMatch(/^HTTP\/1.1 502 /);
  });
});

describe("103 early hints", () => {
  test("arrive before the answer", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const { gateway } = await gatewayTo(async (_request, response) => {
      response.writeEarlyHints({
        link: ["</style.css>; rel=preload; as=style", "</script.js>; rel=preload; as=script"],
      });
      await mayAnswer;
      response.end("whole");
    });
    const request = httpRequest(`${gateway.url}/t/acme/notes`).end();
    const answered = once(request, "response");
    const [hints] = (await once(request, "information")) as [{ statusCode: number; headers: Record<string, string> }];
    expect(hints.statusCode).toBe(103);
    expect(hints.headers["link"]).toContain("</style.css>");
    expect(hints.headers["link"]).toContain("</script.js>");
    answer();
    const [response] = (await answered) as [IncomingMessage];
    expect(await new Response(response).text()).toBe("whole");
  });

  test("that are unreadable, and other informational answers, do no harm", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      response.socket?.write("HTTP/1.1 103 Early Hints\r\nlink: not a link\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
      response.socket?.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 110 Odd\r\n\r\n");
      response.end("whole");
    });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("whole");
  });

  test("do not reach a client of HTTP/1.0, which does not know them", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
      response.end("whole");
    });
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.0\r\nhost: x\r\n\r\n");
    expect(await raw.ended()).toMatch(/^HTTP\/1.1 200 [^]*whole$/);
  });
});

describe("trailers", () => {
  test("follow the answer's body", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      response.writeHead(200, { trailer: "x-checksum" });
      response.write("whole");
      response.addTrailers({ "x-checksum": "abc" });
      response.end();
    });
    const request = httpRequest(`${gateway.url}/t/acme/notes`).end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect(await new Response(response).text()).toBe("whole");
    expect(response.headers["trailer"]).toBe("x-checksum");
    expect(response.trailers).toEqual({ "x-checksum": "abc" });
  });

  test("follow a request's body, without what clients must not say to modules", async () => {
    const { gateway, upstream } = await gatewayTo();
    const raw = await openRawConnection(gateway.url);
    raw.write("POST /t/acme/notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n");
    raw.write("x-sum: 7\r\nX-Aibos-Context: mine\r\nauthorization: mine\r\ntraceparent: mine\r\n\r\n");
    await raw.received('"body":"hi"');
    expect(upstream.requests[0]?.trailers).toEqual({ "x-sum": "7" });
  });
});

describe("fields that end at a hop", () => {
  test("do not reach the module, nor do those that Connection nominates", async () => {
    const { gateway, upstream } = await gatewayTo();
    const raw = await openRawConnection(gateway.url);
    raw.write(
      "GET /t/acme/notes HTTP/1.1\r\nhost: x\r\nkeep-alive: timeout=1\r\nproxy-authorization: Basic eA==\r\n" +
        "te: gzip\r\nproxy-connection: keep-alive\r\nconnection: close, X-Secret\r\nConnection:, x-other ,\r\n" +
        "x-secret: 1\r\nX-Other: 2\r\nx-kept: 3\r\n\r\n",
    );
    await raw.ended();
    const headers = upstream.requests[0]?.headers ?? {};
    expect(headers["x-kept"]).toBe("3");
    for (const name of ["keep-alive", "proxy-authorization", "proxy-connection", "te", "x-secret", "x-other"]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers["connection"]).toBe("keep-alive");
  });

  test("do not reach the client, nor do those that Connection nominates", async () => {
    const { gateway } = await gatewayTo((_request, response) => {
      const fields = [
        "connection",
        "x-secret",
        "x-secret",
        "1",
        "proxy-authenticate",
        "Basic",
        "keep-alive",
        "timeout=9",
      ];
      response.writeHead(200, [...fields, "x-kept", "3"]);
      response.end("whole");
    });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    expect(await response.text()).toBe("whole");
    expect(response.headers.get("x-kept")).toBe("3");
    expect(response.headers.has("x-secret")).toBe(false);
    expect(response.headers.has("proxy-authenticate")).toBe(false);
    expect(response.headers.get("keep-alive")).not.toBe("timeout=9");
  });
});
