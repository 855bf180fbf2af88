import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { PortTakenError } from "@aibos/contract";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayOf, gatewayWith, holdOf, routeOf } from "./testing/started-gateway.ts";

const GET = "GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n\r\n";

describe("a stop", () => {
  test("lets the requests under way end, and takes no more", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (_request, response) => {
      response.write("first half, ");
      await mayAnswer;
      response.end("second half");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { stopTimeout: 60_000 });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    const stopped = gateway.stop();
    await expect(fetch(`${gateway.url}/t/acme/notes`)).rejects.toThrow("fetch failed");
    const ready = await fetch(`${gateway.adminUrl}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { ready: false, stopping: true }]);
    answer();
    expect(await response.text()).toBe("first half, second half");
    await stopped;
    await expect(fetch(`${gateway.adminUrl}/healthz`)).rejects.toThrow("fetch failed");
  });

  test("closes connections that are kept alive, idle ones at once and busy ones after their answer", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (request, response) => {
      if (request.url === "/slow") await mayAnswer;
      response.end("whole");
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { stopTimeout: 60_000 });
    const [idle, busy] = [await openRawConnection(gateway.url), await openRawConnection(gateway.url)];
    idle.write(GET);
    await idle.received("whole");
    const arrived = once(upstream.server, "request");
    busy.write(GET.replace("notes", "notes/slow"));
    await arrived;
    const stopped = gateway.stop();
    await idle.ended();
    answer();
    expect(await busy.ended()).toMatch(/^HTTP\/1.1 200 [^]*whole/);
    await stopped;
  });

  test("tells a request that comes on an open connection to go elsewhere next time", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (request, response) => {
      if (request.url === "/slow") await mayAnswer;
      response.end(`answer to ${request.url};`);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { stopTimeout: 60_000 });
    const raw = await openRawConnection(gateway.url);
    const arrived = once(upstream.server, "request");
    raw.write(GET.replace("notes", "notes/slow"));
    await arrived;
    const stopped = gateway.stop();
    const second = once(upstream.server, "request");
    raw.write(GET.replace("notes", "notes/second"));
    await second;
    answer();
    const text = await raw.ended();
    expect(text).toMatch(/answer to \/slow;[^]*connection: close[^]*answer to \/second;/i);
    await stopped;
  });

  test("refuses the requests that wait for a hold, of WebSockets too, with when to come again", async () => {
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf({ hold: holdOf() })], {
      stopTimeout: 60_000,
    });
    const [plain, upgrade] = [await openRawConnection(gateway.url), await openRawConnection(gateway.url)];
    plain.write(GET);
    upgrade.write(GET.replace("\r\n\r\n", "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"));
    await vi.waitFor(() => expect(gateway.state().heldRequests).toBe(2), { timeout: 20_000, interval: 5 });
    const stopped = gateway.stop();
    for (const connection of [plain, upgrade]) {
      const answer = await connection.ended();
      expect(answer).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1\r\n[^]*AIBOS_GATEWAY_STOPPING/);
    }
    // Both clients leave their side open, and do not hold the stop up with that.
    await stopped;
    expect(upstream.requests).toEqual([]);
  });

  test("closes WebSockets, and connections that were refused and never closed", async () => {
    const upstream = await startFakeUpstream();
    upstream.server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
      socket.on("error", () => undefined);
    });
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { stopTimeout: 60_000 });
    const upgrade = "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    const [open, refused, broken] = [
      await openRawConnection(gateway.url),
      await openRawConnection(gateway.url),
      await openRawConnection(gateway.url),
    ];
    open.write(GET.replace("\r\n\r\n", upgrade));
    await open.received("101");
    refused.write(GET.replace("acme", "globex").replace("\r\n\r\n", upgrade));
    await refused.received("404");
    broken.write("GET\r\n\r\n");
    await broken.received("400");
    await gateway.stop();
    expect(await open.ended()).not.toMatch(/HTTP[^]*HTTP/);
  });

  test("cuts off what does not end in time", async () => {
    const upstream = await startFakeUpstream((_request, response) => void response.write("half"));
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { stopTimeout: 20 });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    await gateway.stop();
    await expect(response.text()).rejects.toThrow("terminated");
  });

  test("goes on with reports until the last request ended, and follows the feed so long", async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (_request, response) => {
      response.flushHeaders();
      await mayAnswer;
      response.end();
    });
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { stopTimeout: 60_000 });
    const response = await fetch(`${gateway.url}/t/acme/notes`);
    const stopped = gateway.stop();
    const report = await control.change(routeOf({ role: "r_new" }));
    expect(report.draining).toHaveLength(1);
    answer();
    await response.text();
    await stopped;
  });

  test("may be asked for twice, and with the control plane away", async () => {
    const gateway = await gatewayOf({ url: "http://127.0.0.1:1" });
    await Promise.all([gateway.stop(), gateway.stop()]);
    await gateway.stop();
    expect(gateway.state().stopping).toBe(true);
  });
});

describe("a port that is taken", () => {
  async function takenPort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  test("is told with the setting that chooses it", async () => {
    const port = await takenPort();
    const start = gatewayOf({ url: "http://127.0.0.1:1" }, { port });
    await expect(start).rejects.toThrow(PortTakenError);
    await expect(start).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is used by another program. Stop that one, or choose another port with --gateway-port (AIBOS_GATEWAY_PORT).`,
    );
  });

  test("by the admin listener's name leaves the public port free", async () => {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, "close");
    const start = gatewayOf({ url: "http://127.0.0.1:1" }, { port, adminPort: await takenPort() });
    await expect(start).rejects.toThrow(/AIBOS_GATEWAY_ADMIN_PORT/);
    const again = createServer().listen(port, "127.0.0.1");
    await once(again, "listening");
    again.close();
  });
});
