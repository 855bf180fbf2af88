import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

export const LARGE_BYTES = 1_000_000;
const LARGE = Buffer.alloc(LARGE_BYTES, "a");
const STREAM_PARTS = 20;
const STREAM_PART = Buffer.alloc(4_096, "s");
export const STREAM_BYTES = STREAM_PARTS * STREAM_PART.length;

/** A module's process, good and bad: what it does is in the path. */
export async function startSoakUpstream() {
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    // A client that leaves in its request's body ends the request with an error.
    answer(request, response).catch(() => response.destroy());
  });
  server.on("upgrade", (_request, socket: Duplex) => {
    socket.on("error", () => socket.destroy());
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n");
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    /** As a process that is started anew: all its connections end. */
    dropConnections: () => server.closeAllConnections(),
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (request.url ?? "") {
    case "/large":
      response.end(LARGE);
      return;
    case "/upload": {
      let bytes = 0;
      for await (const part of request.iterator({ destroyOnReturn: false })) bytes += (part as Buffer).length;
      response.end(String(bytes));
      return;
    }
    case "/stream":
      for (let part = 0; part < STREAM_PARTS && !response.destroyed; part += 1) {
        response.write(STREAM_PART);
        await sleep(5);
      }
      response.end();
      return;
    case "/events":
      response.writeHead(200, { "content-type": "text/event-stream" });
      while (!response.destroyed) {
        response.write("data: now\n\n");
        await sleep(20);
      }
      return;
    case "/dies-before":
      request.socket.destroy();
      return;
    case "/dies-in-body":
      response.writeHead(200, { "content-length": LARGE_BYTES });
      response.write(LARGE.subarray(0, 10_000), () => request.socket.resetAndDestroy());
      return;
    case "/error":
      response.writeHead(500).end("no");
      return;
    default:
      request.resume();
      response.end("small");
  }
}
