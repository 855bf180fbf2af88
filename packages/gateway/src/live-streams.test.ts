import { describe, expect, test } from "vitest";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection, type RawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

const EVENTS = "GET /t/acme/notes/events HTTP/1.1\r\nhost: x\r\n\r\n";
const UPGRADE = "GET /t/acme/notes HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: chat\r\n\r\n";

/** Two versions; each says its name on an event stream, or on a connection upgraded to `chat`, and then echoes. */
async function streamingGateway(drainTimeout: number) {
  const start = async (name: string) => {
    const say: (() => void)[] = [];
    const upstream = await startFakeUpstream((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" }).write(`data: ${name}\n\n`);
      say.push(() => void response.write("data: more\n\n"));
    });
    upstream.server.on("upgrade", (_request, socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nhere is ${name};`);
      socket.on("error", () => undefined).pipe(socket);
    });
    return { ...upstream, say };
  };
  const [one, two] = [await start("1.0.0"), await start("2.0.0")];
  const both = [endpointsOf([one.url]), endpointsOf([two.url], "2.0.0"), routeOf()];
  const { control, gateway } = await gatewayWith(both, { drainTimeout });
  const open = async (text: string, awaited: string): Promise<RawConnection> => {
    const raw = await openRawConnection(gateway.url);
    raw.write(text);
    await raw.received(awaited);
    return raw;
  };
  return { control, gateway, open, one };
}

describe("an event stream", () => {
  test("goes on through a change of its route, and does not count as a request that drains", async () => {
    const { control, open, one } = await streamingGateway(0);
    const stream = await open(EVENTS, "data: 1.0.0");
    const report = await control.change(routeOf({ weights: { "1.0.0": 0, "2.0.0": 10_000 } }));
    expect(report.draining).toEqual([]);
    for (const say of one.say) say();
    await stream.received("data: more");
    await open(EVENTS, "data: 2.0.0");
  });

  test("is cut off when its time after its version left the route is over, not as if it had ended well", async () => {
    const { control, open } = await streamingGateway(20);
    const stream = await open(EVENTS, "data: 1.0.0");
    await control.change(routeOf({ weights: { "2.0.0": 10_000 } }));
    expect(await stream.ended()).not.toMatch(/\r\n0\r\n/);
  });
});

describe("an upgraded connection", () => {
  test("to any protocol but HTTP itself is a tunnel", async () => {
    const { open } = await streamingGateway(0);
    const tunnel = await open(UPGRADE, "here is 1.0.0;");
    expect(tunnel.text).toMatch(/upgrade: chat\r\n/);
    tunnel.write("\0\xff;");
    await tunnel.received("\0\xff;");
  });

  test("has its time to end when its version leaves the route, and keeps on when that comes back", async () => {
    const { control, open } = await streamingGateway(600_000);
    const tunnel = await open(UPGRADE, "here is 1.0.0;");
    await control.change(routeOf({ weights: { "2.0.0": 10_000 } }));
    tunnel.write("still here;");
    await tunnel.received("still here;");
    await control.change(routeOf());
    await control.change(routeOf({ state: "suspended" }));
    tunnel.write("even now;");
    expect(await tunnel.received("even now;")).toMatch(/still here;even now;$/);
  });

  test("on which nobody says anything is closed after a while", async () => {
    const upstream = await startFakeUpstream();
    upstream.server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nhere;");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { tunnelIdleTimeout: 30 });
    const raw = await openRawConnection(gateway.url);
    raw.write(UPGRADE);
    expect(await raw.ended()).toMatch(/here;$/);
  });
});
