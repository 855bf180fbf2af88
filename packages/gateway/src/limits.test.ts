import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { GatewaySettings } from "./gateway-options.ts";
import { startFakeUpstream, type UpstreamListener } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

async function connectionTo(settings: Partial<GatewaySettings>, listener?: UpstreamListener) {
  const upstream = await startFakeUpstream(listener);
  const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], settings);
  return { upstream, gateway, raw: await openRawConnection(gateway.url) };
}

const POST = "POST /t/acme/notes HTTP/1.1\r\nhost: x\r\n";

describe("a request's body", () => {
  test("that says it is larger than allowed reaches no module", async () => {
    const { raw, upstream } = await connectionTo({ maxBodyBytes: 5 });
    raw.write(`${POST}content-length: 6\r\n\r\n123456`);
    expect(await raw.received("BODY_TOO_LARGE")).toMatch(/^HTTP\/1.1 413 /);
    expect(upstream.requests).toEqual([]);
    raw.write(`${POST}content-length: 5\r\n\r\n12345`);
    await raw.received(/HTTP\/1.1 200 [^]*12345/);
  });

  test("in chunks is cut off at the limit, and so is the module's request", async () => {
    const { raw, upstream } = await connectionTo({ maxBodyBytes: 5 });
    raw.write(`${POST}transfer-encoding: chunked\r\n\r\n3\r\n123\r\n`);
    await once(upstream.server, "request");
    const [request] = upstream.requests;
    const closed = new Promise<void>((resolve) => void request?.on("error", () => undefined).once("close", resolve));
    raw.write("3\r\n456\r\n0\r\n\r\n");
    expect(await raw.received("BODY_TOO_LARGE")).toMatch(/^HTTP\/1.1 413 /);
    await closed;
    expect(request?.complete).toBe(false);
  });

  test("that stops coming is given up with 408", async () => {
    const { raw } = await connectionTo({ clientBodyTimeout: 30 });
    raw.write(`${POST}content-length: 6\r\n\r\n123`);
    expect(await raw.received("AIBOS_GATEWAY_REQUEST_TIMEOUT")).toMatch(/^HTTP\/1.1 408 /);
    await raw.ended();
  });

  test("has all the time that its module takes to read it", async () => {
    const size = 8 * 1024 * 1024;
    const { gateway } = await connectionTo({ clientBodyTimeout: 1_000 }, async (request, response) => {
      request.pause();
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      let received = 0;
      for await (const part of request) received += (part as Buffer).length;
      response.end(String(received));
    });
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: Buffer.alloc(size) });
    expect(await response.text()).toBe(String(size));
  });
});

describe("an answer", () => {
  test("that its client does not take is broken off", async () => {
    const closed = Promise.withResolvers<boolean>();
    const { raw } = await connectionTo({ clientReadTimeout: 50 }, (_request, response) => {
      response.once("close", () => closed.resolve(response.writableFinished));
      response.end(Buffer.alloc(64 * 1024 * 1024));
    });
    raw.socket.pause();
    raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await closed.promise).toBe(false);
  });
});

describe("a request", () => {
  test("with more header fields than allowed is refused, none is left out without a word", async () => {
    const { raw, upstream } = await connectionTo({ maxHeaderFields: 10 });
    raw.write(`GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n${"x: y\r\n".repeat(9)}\r\n`);
    await raw.received(/HTTP\/1.1 200 /);
    raw.write(`GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n${"x: y\r\n".repeat(10)}\r\n`);
    await raw.received(/HTTP\/1.1 431 [^]*HEADERS_TOO_LARGE/);
    expect(upstream.requests).toHaveLength(1);
  });

  test.each([
    ["two hosts", "GET /t/acme/notes HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n"],
    ["a host that is none", "GET /t/acme/notes HTTP/1.1\r\nhost: x/y\r\n\r\n"],
    ["chunks in HTTP/1.0", "POST /t/acme/notes HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ])("with %s is refused", async (_case, text) => {
    const { raw, upstream } = await connectionTo({});
    raw.write(text);
    expect(await raw.received("AIBOS_GATEWAY_REQUEST_INVALID")).toMatch(/^HTTP\/1.1 400 /);
    expect(upstream.requests).toEqual([]);
  });

  test("that may go no further is answered by the gateway, and one that may is counted", async () => {
    const { raw, upstream } = await connectionTo({});
    raw.write("OPTIONS /t/acme/notes HTTP/1.1\r\nhost: x\r\nmax-forwards: 0\r\n\r\n");
    await raw.received(/^HTTP\/1.1 204 [^]*\r\n\r\n$/);
    raw.write("OPTIONS /t/acme/notes HTTP/1.1\r\nhost: x\r\nmax-forwards: 10\r\n\r\n");
    await raw.received(/HTTP\/1.1 200 /);
    expect(upstream.requests.map(({ headers }) => headers["max-forwards"])).toEqual(["9"]);
  });
});
