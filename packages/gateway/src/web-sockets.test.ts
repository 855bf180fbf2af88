import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { verifyTenantContext } from "@aibos/contract";
import { type FakeUpstream, startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, holdOf, KEY, routeOf } from "./testing/started-gateway.ts";

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n";

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** A process that switches and sends everything back, unless it is told otherwise. */
async function startWebSocketUpstream(
  onUpgrade: OnUpgrade = echo,
): Promise<FakeUpstream & { upgrades: IncomingMessage[] }> {
  const upstream = await startFakeUpstream();
  const upgrades: IncomingMessage[] = [];
  upstream.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.push(request);
    socket.on("error", () => undefined);
    onUpgrade(request, socket, head);
  });
  return { ...upstream, upgrades };
}

const echo: OnUpgrade = (_request, socket, head) => {
  socket.write(`${SWITCH}sec-websocket-accept: abc\r\n\r\nwelcome;`);
  socket.write(head);
  socket.pipe(socket);
};

function upgradeRequest(path = "/t/acme/notes/live", fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n${fields}\r\n`;
}

describe("a WebSocket", () => {
  test("is a tunnel both ways, with what either side sent early", async () => {
    const upstream = await startWebSocketUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(`${upgradeRequest("/t/acme/notes/live?x=1")}early;`);
    const answer = await raw.received("early;");
    expect(answer).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
    expect(answer).toMatch(/\r\nconnection: Upgrade\r\n/i);
    expect(answer).toMatch(/\r\nupgrade: websocket\r\n/i);
    expect(answer).toMatch(/\r\nsec-websocket-accept: abc\r\n/i);
    expect(answer).toMatch(/\r\nx-aibos-version: 1.0.0\r\n/);
    expect(answer).toMatch(/\r\n\r\nwelcome;early;$/);
    raw.write("\0\xff later;");
    await raw.received("\0\xff later;");
    raw.socket.end();
    await raw.ended();
  });

  test("is opened with the tenant's context, and without what was forged", async () => {
    const upstream = await startWebSocketUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest("/t/acme/notes/live?x=1", "x-aibos-context: forged\r\nX_AIBOS_CONTEXT: forged\r\n"));
    await raw.received("welcome;");
    const { headers, rawHeaders, url } = upstream.upgrades[0] ?? {};
    expect(url).toBe("/live?x=1");
    expect(rawHeaders).not.toContain("forged");
    const context = String(headers?.["x-aibos-context"]);
    expect(verifyTenantContext(context, KEY, Date.now() / 1000)).toMatchObject({ context: { tenant: "acme" } });
    expect(headers).toMatchObject({
      host: new URL(upstream.url).host,
      "sec-websocket-key": "k",
      "x-forwarded-prefix": "/t/acme/notes",
    });
  });

  test("of a real client works", async () => {
    const upstream = await startWebSocketUpstream((request, socket) => {
      void crypto.subtle
        .digest("SHA-1", Buffer.from(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`))
        .then((digest) => {
          socket.write(`${SWITCH}sec-websocket-accept: ${Buffer.from(digest).toString("base64")}\r\n\r\n`);
          socket.write(Buffer.from([0x81, 5, ...Buffer.from("hello")]));
        });
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const client = new WebSocket(`${gateway.url.replace("http", "ws")}/t/acme/notes/live`);
    const [message] = (await once(client, "message")) as [MessageEvent];
    expect(message.data).toBe("hello");
    client.close();
  });

  test.each([
    ["the module closes it", "module"],
    ["the client closes it", "client"],
    ["the client's connection is reset", "reset"],
  ])("ends on both sides when %s", async (_case, side) => {
    const { promise: opened, resolve: open } = Promise.withResolvers<Duplex>();
    const upstream = await startWebSocketUpstream((_request, socket) => {
      socket.write(`${SWITCH}\r\n`);
      socket.resume().once("end", () => socket.end());
      open(socket);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest());
    const socket = await opened;
    await raw.received("\r\n\r\n");
    const closed = once(socket, "close");
    if (side === "module") socket.end("goodbye");
    else if (side === "client") raw.socket.destroy();
    else raw.socket.resetAndDestroy();
    await closed;
    expect(socket.destroyed).toBe(true);
  });

  test("that the module refuses ends the connection: nothing more goes through it", async () => {
    const upstream = await startWebSocketUpstream((_request, socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\nx: y\r\n\r\n2\r\nno\r\n0\r\n\r\n");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(`${upgradeRequest()}GET /t/acme/notes/smuggled HTTP/1.1\r\nhost: x\r\n\r\n`);
    const answer = await raw.ended();
    expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
    expect(answer).toMatch(/\r\nconnection: close\r\n/);
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(answer).toMatch(/\r\n\r\nno$/);
    expect(upstream.requests).toEqual([]);
  });

  test("that breaks off in the refusal gets nothing made up after it", async () => {
    const upstream = await startWebSocketUpstream((_request, socket) => {
      socket.write("HTTP/1.1 500 Sorry\r\ncontent-length: 100\r\n\r\nhalf", () => {
        // Once the gateway passed the first half on.
        void raw.received("half").then(() => socket instanceof Socket && socket.resetAndDestroy());
      });
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest());
    expect(await raw.ended()).toMatch(/half$/);
  });

  test.each([
    ["before the module answered", ""],
    ["in the middle of a refusal", "HTTP/1.1 500 Sorry\r\ncontent-length: 100\r\n\r\nhalf"],
  ])("whose client leaves %s leaves nothing behind at the module", async (_case, answer) => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<Duplex>();
    const upstream = await startWebSocketUpstream((_request, socket) => {
      socket.resume().write(answer);
      ask(socket);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest());
    const socket = await asked;
    await raw.received(answer === "" ? "" : "half");
    const ended = once(socket, "end");
    raw.socket.destroy();
    await ended;
    expect(upstream.upgrades).toHaveLength(1);
  });

  test("whose refusal ends too early gets its connection closed", async () => {
    const upstream = await startWebSocketUpstream((_request, socket) => {
      socket.end("HTTP/1.1 500 Sorry\r\ncontent-length: 100\r\n\r\nhalf");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest());
    expect(await raw.ended()).toMatch(/half$/);
  });

  test("without a process that can be reached is refused with a problem", async () => {
    const upstream = await startWebSocketUpstream();
    await upstream.stop();
    const healthy = await startWebSocketUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const answerOf = async (): Promise<string> => {
      const raw = await openRawConnection(gateway.url);
      raw.write(upgradeRequest());
      return raw.received(/welcome;|"code"/);
    };
    expect(await answerOf()).toMatch(/^HTTP\/1.1 502 [^]*AIBOS_GATEWAY_UPSTREAM_FAILED/);
    await control.change(endpointsOf([upstream.url, healthy.url]));
    expect(await answerOf()).toContain("welcome;");
    expect(await answerOf()).toContain("welcome;");
    await control.change(endpointsOf([]));
    expect(await answerOf()).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1\r\n[^]*AIBOS_GATEWAY_NO_UPSTREAM/);
  });

  test("that is not answered in time, or not at all, is refused with a problem", async () => {
    let dies = false;
    const upstream = await startWebSocketUpstream((_request, socket) => dies && socket.destroy());
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { upstreamHeadersTimeout: 50 });
    for (const expected of [/^HTTP\/1.1 504 [^]*UPSTREAM_TIMEOUT/, /^HTTP\/1.1 502 [^]*UPSTREAM_FAILED/]) {
      const raw = await openRawConnection(gateway.url);
      raw.write(upgradeRequest());
      expect(await raw.ended()).toMatch(expected);
      dies = true;
    }
  });

  test("for an unknown or suspended tenant is refused", async () => {
    const upstream = await startWebSocketUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ state: "suspended" })]);
    for (const [path, status] of [
      ["/t/acme/notes", 403],
      ["/t/globex/notes", 404],
      ["/", 404],
    ] as const) {
      const raw = await openRawConnection(gateway.url);
      raw.write(upgradeRequest(path));
      expect(await raw.ended()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
    expect(upstream.upgrades).toEqual([]);
  });

  test("waits for a hold to end, and gives its place up when its client leaves", async () => {
    const upstream = await startWebSocketUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold: holdOf() })]);
    const [stays, leaves] = [await openRawConnection(gateway.url), await openRawConnection(gateway.url)];
    stays.write(upgradeRequest());
    leaves.write(upgradeRequest());
    await vi.waitFor(() => expect(gateway.state().heldRequests).toBe(2), { timeout: 20_000, interval: 5 });
    leaves.socket.destroy();
    // What was sent early is kept for later.
    stays.write("early;");
    await vi.waitFor(() => expect(gateway.state().heldRequests).toBe(1), { timeout: 20_000, interval: 5 });
    await control.change(routeOf());
    await stays.received("welcome;early;");
    stays.write("later;");
    await stays.received("later;");
    expect(upstream.upgrades).toHaveLength(1);
  });

  test("is closed when its version leaves the route, and only then", async () => {
    const [one, two] = [await startWebSocketUpstream(), await startWebSocketUpstream()];
    const versions = [endpointsOf([one.url]), endpointsOf([two.url], "2.0.0")];
    const { control, gateway } = await gatewayWith([...versions, routeOf(), routeOf({ tenant: "globex" })]);
    const open = async (tenant: string) => {
      const raw = await openRawConnection(gateway.url);
      raw.write(upgradeRequest(`/t/${tenant}/notes/live`));
      await raw.received("welcome;");
      return raw;
    };
    const [old, other] = [await open("acme"), await open("globex")];
    await control.change(routeOf({ weights: { "1.0.0": 0, "2.0.0": 10_000 } }));
    old.write("still here;");
    await old.received("still here;");
    const next = await open("acme");
    expect(next.text).toContain("x-aibos-version: 2.0.0");
    await control.change(routeOf({ weights: { "2.0.0": 10_000 } }));
    await old.ended();
    for (const connection of [next, other]) {
      connection.write("still here;");
      await connection.received("still here;");
    }
    await control.change(routeOf({ tenant: "globex", state: "suspended" }));
    await other.ended();
    await control.change({ kind: "route", tenant: "acme", module: "notes", route: null });
    await next.ended();
  });

  test("does not count as a request that drains: it may stay open for days", async () => {
    const upstream = await startWebSocketUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest());
    await raw.received("welcome;");
    expect((await control.change(routeOf({ role: "r_new" }))).draining).toEqual([]);
  });
});

describe("an upgrade to something else", () => {
  test("is not made, and a request that only offers it is answered all the same", async () => {
    const upstream = await startWebSocketUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    // As clients of HTTP/2 begin on a plain connection.
    const offer = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    raw.write(`POST /t/acme/notes/x HTTP/1.1\r\nhost: x\r\n${offer}content-length: 5\r\n\r\nhello`);
    expect(await raw.received('"body":"hello"')).toMatch(/^HTTP\/1.1 200 /);
    expect(upstream.requests[0]?.headers).not.toHaveProperty("upgrade");
    expect(upstream.requests[0]?.headers).not.toHaveProperty("http2-settings");
    expect(upstream.upgrades).toEqual([]);
  });

  test("to WebSocket with another method than GET is no WebSocket", async () => {
    const upstream = await startWebSocketUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const raw = await openRawConnection(gateway.url);
    raw.write(upgradeRequest().replace("GET", "POST"));
    expect(await raw.received("\r\n\r\n")).toMatch(/^HTTP\/1.1 (200|400) /);
    expect(upstream.upgrades).toEqual([]);
  });
});
