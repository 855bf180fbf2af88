import { once } from "node:events";
import type { Server } from "node:http";
import { PortTakenError } from "@aibos/contract";

const SWEEP_MS = 50;

/** Listens; resolves to the port. @throws PortTakenError; `setting` is how the port is chosen, for people */
export async function listen(server: Server, host: string, port: number, setting: string): Promise<number> {
  server.listen(port, host);
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

/** Takes no more connections and gives the requests under way some time; what is left then is cut off. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  // A connection that becomes idle after `close` would be kept for its keep-alive time.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const limit = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}
