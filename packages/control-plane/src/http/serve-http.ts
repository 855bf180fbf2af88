import { once } from "node:events";
import { createServer } from "node:http";
import { PortTakenError } from "@aibos/contract";
import { getRequestListener } from "@hono/node-server";
import type { HttpApp } from "./app.ts";
import type { FlagListener } from "./flags/flag-listener.ts";

export interface HttpServer {
  /** Base URL, with the real port where 0 was asked for. */
  readonly url: string;
  /** Takes no more requests, ends streams, and gives the rest a few seconds to be answered. */
  close(): Promise<void>;
}

const HEADERS_MS = 10_000;
/** For a whole request: an archive may come over a slow line. */
const REQUEST_MS = 300_000;
const CLOSE_MS = 5_000;

/** Listens. @throws PortTakenError */
export async function serveHttp({
  app,
  flags,
  host,
  port,
}: {
  app: HttpApp;
  /** Takes requests for flags before the app sees them. */
  flags?: FlagListener | undefined;
  host: string;
  port: number;
}): Promise<HttpServer> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: 10_000 },
    (incoming, outgoing) => {
      if (flags?.handle(incoming, outgoing) !== true) void listener(incoming, outgoing);
    },
  );
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
      throw new PortTakenError(host, port, "--port (AIBOS_PORT)", error);
    }
    throw error;
  }
  const address = server.address();
  const actual = address === null || typeof address === "string" ? port : address.port;

  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      app.endStreams();
      flags?.end();
      // A connection that became idle after `close` would be kept for its keep-alive time.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      const limit = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(limit);
    },
  };
}
