import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { Exchange } from "./exchange.ts";
import { startFakeUpstream, type UpstreamListener } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

async function observedGateway(listener?: UpstreamListener) {
  const upstream = await startFakeUpstream(listener);
  const forwarding: Exchange[] = [];
  const ended: Exchange[] = [];
  const observer = {
    forwarding: (exchange: Exchange) => void forwarding.push(exchange),
    ended: (exchange: Exchange) => void ended.push(exchange),
  };
  const changes = [endpointsOf([upstream.url]), routeOf(), routeOf({ tenant: "globex", state: "suspended" })];
  const { gateway } = await gatewayWith(changes, { observers: [observer], upstreamHeadersTimeout: 100 });
  const exchange = async (): Promise<Exchange | undefined> => {
    await vi.waitFor(() => expect(ended).not.toEqual([]), { timeout: 20_000, interval: 5 });
    return ended[0];
  };
  return { upstream, gateway, forwarding, ended, exchange };
}

const anyTime: unknown = expect.any(Number);

describe("an exchange", () => {
  test("tells whom it was for, what came of it, how long it took, and how much went each way", async () => {
    const { upstream, gateway, exchange, forwarding, ended } = await observedGateway((request, response) => {
      request.resume().on("end", () => response.writeHead(201).end("made"));
    });
    const body = "hello";
    const response = await fetch(`${gateway.url}/t/acme/notes/x?secret=1`, { method: "POST", body });
    expect(await response.text()).toBe("made");
    expect(await exchange()).toMatchObject({
      kind: "request",
      requestId: response.headers.get("x-request-id"),
      tenant: "acme",
      module: "notes",
      version: "1.0.0",
      method: "POST",
      status: 201,
      problem: undefined,
      failure: undefined,
      times: { total: anyTime, held: anyTime, answer: anyTime },
      bytes: { received: 5, sent: 4 },
      upstream: `${upstream.url}/`,
    });
    expect(forwarding).toEqual(ended);
  });

  test.each([
    [
      "/t/globex/notes",
      { status: 403, failure: "refused", problem: "AIBOS_GATEWAY_TENANT_SUSPENDED", tenant: "globex" },
    ],
    [
      "/t/initech/notes",
      { status: 404, failure: "refused", problem: "AIBOS_GATEWAY_ROUTE_UNKNOWN", tenant: "initech" },
    ],
    ["/nowhere", { status: 404, failure: "refused", tenant: undefined, version: undefined }],
  ])("of a request to %s that is refused is told too", async (path, expected) => {
    const { gateway, exchange, forwarding } = await observedGateway();
    await (await fetch(gateway.url + path)).text();
    expect(await exchange()).toMatchObject(expected);
    expect(forwarding).toEqual([]);
  });

  test.each<[string, UpstreamListener, object]>([
    [
      "that breaks off before it answers",
      (request) => void request.socket.destroy(),
      { status: 502, failure: "broken" },
    ],
    ["that says nothing in time", () => undefined, { status: 504, failure: "timeout" }],
    [
      "that breaks off in the middle",
      (request, response) => void response.write("half", () => request.socket.destroy()),
      { status: 200, failure: "broken", problem: undefined },
    ],
  ])("with a process %s fails so", async (_case, listener, expected) => {
    const { gateway, exchange, ended } = await observedGateway(listener);
    await fetch(`${gateway.url}/t/acme/notes`)
      .then((response) => response.text())
      .catch(() => undefined);
    expect(await exchange()).toMatchObject({ ...expected, version: "1.0.0" });
    expect(ended).toHaveLength(1);
  });

  test("with no process that can be reached fails so", async () => {
    const { upstream, gateway, exchange } = await observedGateway();
    await upstream.stop();
    await (await fetch(`${gateway.url}/t/acme/notes`)).text();
    expect(await exchange()).toMatchObject({ status: 502, failure: "unreachable" });
  });

  test("whose client leaves fails so", async () => {
    const { gateway, exchange, upstream } = await observedGateway((_request, response) => void response.write("half"));
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n\r\n");
    await raw.received("half");
    raw.socket.destroy();
    expect(await exchange()).toMatchObject({ status: 200, failure: "client-gone" });
    expect(upstream.requests).toHaveLength(1);
  });

  test("of an upgraded connection lasts until it is closed", async () => {
    const { gateway, exchange, upstream, forwarding, ended } = await observedGateway();
    upstream.server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nwelcome");
      socket.pipe(socket);
    });
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nabc");
    await raw.received("abc");
    expect(forwarding).toHaveLength(1);
    expect(ended).toHaveLength(0);
    raw.socket.end();
    await once(raw.socket, "end");
    expect(await exchange()).toMatchObject({
      kind: "upgrade",
      status: 101,
      failure: undefined,
      bytes: { received: 3, sent: 10 },
    });
  });
});
