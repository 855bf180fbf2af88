import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ConfigInvalidError } from "@aibos/contract";
import type { GatewaySettings } from "./gateway-options.ts";
import { writeCertificate } from "./testing/certificate.ts";
import { startFakeUpstream, type UpstreamListener } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, routeOf, temporaryFolder } from "./testing/started-gateway.ts";

async function tlsGateway(listener?: UpstreamListener, settings: Partial<GatewaySettings> = {}) {
  const folder = await temporaryFolder();
  const files = await writeCertificate(folder, "first.example");
  const upstream = await startFakeUpstream(listener);
  const changes = [endpointsOf([upstream.url]), routeOf()];
  const { gateway, control } = await gatewayWith(changes, { tls: { port: 0, ...files }, ...settings });
  return { folder, files, upstream, gateway, control, url: gateway.tlsUrl ?? "" };
}

function http2To(url: string): ClientHttp2Session {
  const session = connectHttp2(url, { rejectUnauthorized: false });
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

async function answerOf(stream: ClientHttp2Stream) {
  stream.setEncoding("utf8");
  let body = "";
  stream.on("data", (part: string) => (body += part));
  const [headers] = (await once(stream, "response")) as [Record<string, string | string[] | number>];
  if (!stream.readableEnded) await once(stream, "end");
  return { headers, body };
}

async function tlsTo(url: string, protocol = "http/1.1"): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  const socket = connectTls({
    host: hostname,
    port: Number(port),
    rejectUnauthorized: false,
    ALPNProtocols: [protocol],
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

describe("over TLS", () => {
  test("a client of HTTP/1.1 is served as without, and the module hears of https", async () => {
    const { url, upstream } = await tlsGateway();
    const socket = await tlsTo(url);
    socket.write("GET /t/acme/notes/x HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(upstream.requests[0]?.headers).toMatchObject({
      "x-forwarded-proto": "https",
      forwarded: 'for=127.0.0.1;proto=https;host="shop.example"',
      via: "1.1 aibos",
    });
  });

  test("a client of HTTP/2 gets its answer, and the module an ordinary request", async () => {
    const { url, upstream } = await tlsGateway((request, response) => {
      const fields = ["connection", "x-hop", "x-hop", "1", "keep-alive", "timeout=4", "Set-Cookie", "a=1"];
      response.writeHead(201, [...fields, "set-cookie", "b=2", "trailer", "x-sum"]);
      request.on("data", (part) => response.write(part));
      request.on("end", () => {
        response.addTrailers({ "x-sum": "5" });
        response.end();
      });
    });
    const fields = { ":method": "POST", ":path": "/t/acme/notes/x?y=1", ":authority": "shop.example" };
    const stream = http2To(url).request({ ...fields, cookie: ["a=1", "b=2"], te: "trailers" });
    const trailers = once(stream, "trailers");
    stream.end("hello");
    const { headers, body } = await answerOf(stream);
    expect(headers).toMatchObject({ ":status": 201, "set-cookie": ["a=1", "b=2"], "x-aibos-version": "1.0.0" });
    expect(headers).not.toHaveProperty("x-hop");
    expect(headers).not.toHaveProperty("keep-alive");
    expect(body).toBe("hello");
    expect((await trailers)[0]).toMatchObject({ "x-sum": "5" });
    const [request] = upstream.requests;
    expect(request).toMatchObject({ method: "POST", url: "/x?y=1", httpVersion: "1.1" });
    expect(request?.headers).toMatchObject({
      cookie: "a=1; b=2",
      "x-forwarded-host": "shop.example",
      "x-forwarded-proto": "https",
      "transfer-encoding": "chunked",
      via: "2 aibos",
    });
    expect(request?.headers).not.toHaveProperty("te");
  });

  test("problems, HEAD and early hints reach a client of HTTP/2", async () => {
    const { url } = await tlsGateway((_request, response) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" });
      response.setHeader("content-length", 5);
      response.end("whole");
    });
    const session = http2To(url);
    const refused = await answerOf(session.request({ ":path": "/t/globex/notes" }));
    expect(refused.headers).toMatchObject({ ":status": 404, "content-type": "application/problem+json" });
    expect(refused.body).toContain("AIBOS_GATEWAY_ROUTE_UNKNOWN");
    const head = session.request({ ":path": "/t/acme/notes", ":method": "HEAD" });
    const hints = once(head, "headers");
    expect(await answerOf(head)).toMatchObject({ headers: { ":status": 200, "content-length": "5" }, body: "" });
    expect((await hints)[0]).toMatchObject({ ":status": 103, link: "</a.css>; rel=preload; as=style" });
  });

  test("a module that breaks off in the middle resets its stream, not the others", async () => {
    const { url } = await tlsGateway((request, response) => {
      if (request.url === "/good") response.end("whole");
      else response.write("half", () => request.socket.destroy());
    });
    const session = http2To(url);
    const stream = session.request({ ":path": "/t/acme/notes/bad" });
    stream.on("error", () => undefined).resume();
    await new Promise<void>((resolve) => void stream.once("close", resolve));
    expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect((await answerOf(session.request({ ":path": "/t/acme/notes/good" }))).body).toBe("whole");
  });

  test.each([
    ["takes the end of its answer slowly gets all of it", true],
    ["takes nothing of the end of its answer is cut off", false],
  ])("a client that %s", async (_how, takes) => {
    const half = "x".repeat(60_000);
    const { url } = await tlsGateway(
      (_request, response) => {
        response.write(half);
        response.end(half);
      },
      { clientReadTimeout: 300 },
    );
    const session = connectHttp2(url, { rejectUnauthorized: false, settings: { initialWindowSize: 1_000 } });
    session.on("error", () => undefined);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/t/acme/notes" });
    const closed = new Promise<void>((resolve) => void stream.on("error", () => undefined).once("close", resolve));
    let body = "";
    // Node's client takes some tens of kilobytes before it holds the rest back.
    stream.setEncoding("utf8").on("data", (part: string) => {
      body += part;
      stream.pause();
      if (takes) setTimeout(() => stream.resume(), 5);
    });
    await closed;
    expect(stream.rstCode).toBe(takes ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_INTERNAL_ERROR);
    expect(body === half + half).toBe(takes);
  });

  test("a client that resets its stream ends the module's request", async () => {
    const closed = Promise.withResolvers<boolean>();
    const { url } = await tlsGateway((_request, response) => {
      response.once("close", () => closed.resolve(response.writableFinished));
      response.write("begin");
    });
    const stream = http2To(url).request({ ":path": "/t/acme/notes" });
    await once(stream, "data");
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await closed.promise).toBe(false);
  });

  test("a new certificate is used when its files change, and a bad one is not", async () => {
    const { url, folder, files } = await tlsGateway();
    const nameOf = async (): Promise<unknown> => (await tlsTo(url)).getPeerCertificate().subject.CN;
    expect(await nameOf()).toBe("first.example");
    await writeCertificate(folder, "second.example");
    await vi.waitFor(async () => expect(await nameOf()).toBe("second.example"), { timeout: 20_000, interval: 200 });
    await writeFile(files.certFile, "no certificate");
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await nameOf()).toBe("second.example");
  });

  test("a certificate that can't be used stops the start", async () => {
    const folder = await temporaryFolder();
    const tls = { port: 0, certFile: `${folder}/none.pem`, keyFile: `${folder}/none.pem` };
    await expect(gatewayWith([], { tls })).rejects.toThrow(ConfigInvalidError);
  });

  test("a stop lets streams under way end", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const { url, gateway } = await tlsGateway(
      async (_request, response) => {
        response.write("first half, ");
        await mayAnswer;
        response.end("second half");
      },
      { stopTimeout: 60_000 },
    );
    const session = http2To(url);
    const stream = session.request({ ":path": "/t/acme/notes" });
    const answered = answerOf(stream);
    await once(stream, "response");
    const stopped = gateway.stop();
    await once(session, "goaway");
    answer();
    expect((await answered).body).toBe("first half, second half");
    await stopped;
  });
});
