import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { Server } from "node:net";
import { PortTakenError } from "@aibos/contract";

const SWEEP_MS = 50;

/**
 * Listens; resolves to the port. `setting` is how the port is chosen, for people. Workers of one gateway share the port
 * unless it is to be `exclusive`.
 *
 * @throws PortTakenError
 */
export async function listen(
  server: Server,
  host: string,
  port: number,
  setting: string,
  exclusive = false,
): Promise<number> {
  server.listen({ port, host, exclusive });
  try {
    await once(server, "listening");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
      throw new PortTakenError(host, port, setting, error);
    }
    throw error;
  }
  const address = server.address();
  return address === null || typeof address === "string" ? port : address.port;
}

/**
 * Takes no more connections and gives the requests under way some time; what is left then is cut off. Idle connections
 * are kept for `idleMs` of it: a client may be sending its next request at this very moment, which would be lost with
 * the connection. That request's answer says that the connection ends.
 */
export async function closeServer(server: HttpServer, graceMs: number, idleMs = 0): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  // Not the HTTP server's own `close`, which ends idle connections at once.
  Server.prototype.close.call(server);
  let sweep: NodeJS.Timeout | undefined;
  const idle = setTimeout(
    () => {
      server.closeIdleConnections();
      // A connection that becomes idle later would be kept for its keep-alive time.
      sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    },
    Math.min(idleMs, graceMs),
  );
  const limit = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(idle);
  clearInterval(sweep);
  clearTimeout(limit);
  // Ends its timer that looks for slow requests.
  server.close();
}
