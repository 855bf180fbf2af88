import { describe, expect, test } from "vitest";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

const TO = "/t/acme/notes/x HTTP/1.1\r\nhost: x\r\n";

describe("a malformed request", () => {
  test.each([
    ["has no HTTP in it", "\x16\x03\x01\x02\0\x01\0\x01\xfc\r\n\r\n"],
    ["has a field without a colon", `GET ${TO}broken\r\n\r\n`],
    ["has a space before a field's colon", `GET ${TO}content-length : 5\r\n\r\nhello`],
    ["has a null byte in a field", `GET ${TO}x: a\0b\r\n\r\n`],
    ["has a folded field", `GET ${TO}x: a\r\n b: c\r\n\r\n`],
    ["ends its lines with a bare line feed in a field", `GET ${TO}x: a\nx-aibos-context: forged\r\n\r\n`],
    [
      "has both a length and chunks",
      `POST ${TO}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET ${TO}\r\n`,
    ],
    ["has chunks before a length", `POST ${TO}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`],
    ["has two lengths", `POST ${TO}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`],
    ["has a length that is no number", `POST ${TO}content-length: +5\r\n\r\nhello`],
    ["has an encoding that hides chunks", `POST ${TO}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ["has a chunk size that is no number", `POST ${TO}transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`],
    ["has no host", "GET /t/acme/notes/x HTTP/1.1\r\n\r\n"],
    ["has an unknown method", `BREW ${TO}\r\n`],
    ["has a newer protocol", "GET /t/acme/notes/x HTTP/3.7\r\nhost: x\r\n\r\n"],
  ])("that %s is refused with 400, and its connection closed", async (_case, text) => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(text);
    const answer = await raw.ended();
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
    // What came before the fault may have reached the module, but never as a whole request, nor what came after it.
    expect(upstream.requests.filter(({ complete }) => complete)).toEqual([]);
    expect(upstream.requests.flatMap(({ rawHeaders }) => rawHeaders)).not.toContain("forged");
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
  });

  test("that is compressed and says so as a transfer coding is refused: without that name nobody would know", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(`POST ${TO}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`);
    expect(await raw.received("chunked.")).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(upstream.requests).toEqual([]);
  });

  test("that becomes so while its answer is under way gets nothing that would pass for a part of the answer", async () => {
    const upstream = await startFakeUpstream((_request, response) => {
      response.writeHead(200, { "content-length": "500" });
      response.write("the beginning");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(`POST ${TO}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    await raw.received("the beginning");
    raw.write("no chunk\r\n");
    const answer = await raw.ended();
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect(answer.endsWith("the beginning")).toBe(true);
  });

  test("that the parser refuses is told why as a problem", async () => {
    const { gateway } = await gatewayWith([routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(`GET ${TO}broken\r\n\r\n`);
    const answer = await raw.ended();
    expect(answer).toContain("content-type: application/problem+json");
    expect(answer).toContain('"code":"AIBOS_GATEWAY_REQUEST_INVALID"');
    expect(answer).toContain("connection: close");
  });

  test.each([
    ["one field", `x: ${"y".repeat(9_000)}\r\n`],
    ["all fields", `x: ${"y".repeat(90)}\r\n`.repeat(100)],
  ])("with too much in %s is refused with 431", async (_case, fields) => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { maxHeaderBytes: 8_192 });
    const raw = await openRawConnection(gateway.url);
    raw.write(`GET ${TO}${fields}\r\n`);
    const answer = await raw.ended();
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(answer).toContain("AIBOS_GATEWAY_HEADERS_TOO_LARGE");
    expect(upstream.requests).toEqual([]);
  });

  test("with as much in its fields as is allowed reaches the module whole", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    // Node's own servers take half of what the gateway takes: the fake upstream is one.
    const response = await fetch(`${gateway.url}/t/acme/notes`, { headers: { x: "y".repeat(14_000) } });
    expect(response.status).toBe(200);
    expect(upstream.requests[0]?.headers["x"]).toHaveLength(14_000);
  });

  test("that never ends its headers is refused with 408", async () => {
    const { gateway } = await gatewayWith([routeOf()], { clientHeadersTimeout: 20, clientRequestTimeout: 20 });
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n");
    expect(await raw.ended()).toMatch(/^HTTP\/1.1 408 [^]*AIBOS_GATEWAY_REQUEST_TIMEOUT/);
  });

  test("in the middle of its chunks breaks the module's request off, too", async () => {
    const upstream = await startFakeUpstream((request) => void request.resume());
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    const arrived = new Promise<void>((resolve) => void upstream.server.once("request", () => resolve()));
    raw.write(`POST ${TO}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    await arrived;
    const [request] = upstream.requests;
    const closed = new Promise<void>((resolve) => void request?.once("close", () => resolve()));
    request?.on("error", () => undefined);
    raw.write("zz\r\n");
    await raw.ended();
    await closed;
    expect(request?.complete).toBe(false);
  });
});

describe("requests on one connection", () => {
  test("are answered one after the other, in their order", async () => {
    const upstream = await startFakeUpstream((request, response) => {
      // The first takes longest.
      setTimeout(() => response.end(`answer to ${request.url};`), request.url === "/1" ? 30 : 0);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write([1, 2, 3].map((index) => `GET /t/acme/notes/${index} HTTP/1.1\r\nhost: x\r\n\r\n`).join(""));
    const answers = (await raw.received("/3;")).match(/answer to \/\d;/g);
    expect(answers).toEqual(["answer to /1;", "answer to /2;", "answer to /3;"]);
  });

  test("of different tenants get contexts of their own", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf(), routeOf({ tenant: "globex" })]);
    const raw = await openRawConnection(gateway.url);
    for (const tenant of ["acme", "globex"]) raw.write(`GET /t/${tenant}/notes HTTP/1.1\r\nhost: x\r\n\r\n`);
    await raw.received(/"body"[^]*"body"/);
    const tenants = upstream.requests.map(({ headers }) => {
      const [, payload = ""] = String(headers["x-aibos-context"]).split(".");
      return (JSON.parse(Buffer.from(payload, "base64url").toString()) as { tenant: string }).tenant;
    });
    expect(tenants.sort()).toEqual(["acme", "globex"]);
  });
});

describe("a method that is not for origins", () => {
  test("such as CONNECT opens no tunnel", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(`CONNECT ${new URL(upstream.url).host} HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(await raw.ended()).not.toMatch(/HTTP\/1.1 2/);
    expect(upstream.requests).toEqual([]);
  });

  test.each(["*", "notes", "ftp://x/t/acme/notes", "http://", "http:///t/acme/notes"])(
    "or a target such as %j reaches no module",
    async (target) => {
      const upstream = await startFakeUpstream();
      const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
      const raw = await openRawConnection(gateway.url);
      raw.write(`OPTIONS ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      expect(await raw.ended()).toMatch(/^HTTP\/1.1 (400|404) /);
      expect(upstream.requests).toEqual([]);
    },
  );
});
