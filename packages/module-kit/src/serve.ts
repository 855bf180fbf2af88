import { createServer, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";

/** Answers one request, as `app.fetch` of most frameworks does. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

export interface ModuleServer {
  readonly port: number;
  /** Takes no more requests, finishes those under way, and resolves. */
  stop(): Promise<void>;
}

/**
 * Longer than the gateway keeps an unused connection: the side that sends requests must be the one that closes, or a
 * request meets a connection that is being closed.
 */
const KEEP_ALIVE_MS = 75_000;

/** Listens at 127.0.0.1. Requests that are under way `graceMs` after a stop are cut off. */
export async function serveFetch(
  handler: FetchHandler,
  { port, graceMs = 8_000 }: { port: number; graceMs?: number },
): Promise<ModuleServer> {
  const listener = getRequestListener(handler);
  const underWay = new Set<ServerResponse>();
  let stopping = false;
  const server = createServer((request, response) => {
    underWay.add(response);
    response.shouldKeepAlive &&= !stopping;
    // Ends the connection behind the last byte, also where "keep-alive" was said before the stop. To destroy idle
    // connections here would cut off answers that are still on their way.
    response.once("finish", () => {
      if (stopping) request.socket.end();
    });
    response.once("close", () => underWay.delete(response));
    void listener(request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve();
    });
  });
  const address = server.address();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    stop() {
      if (!stopping) {
        stopping = true;
        for (const response of underWay) response.shouldKeepAlive = false;
        server.close(() => {
          close();
        });
        setTimeout(() => {
          server.closeAllConnections();
        }, graceMs).unref();
      }
      return closed;
    },
  };
}
