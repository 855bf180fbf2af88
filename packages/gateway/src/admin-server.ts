import { createServer, type Server } from "node:http";

/** What the gateway says of itself. */
export interface GatewayState {
  readonly stopping: boolean;
  /** The newest revision of the routes that it applied; null while it has none. */
  readonly revision: number | null;
  readonly routes: number;
  /** Whether it follows the control plane at the moment; it serves all the same when it does not. */
  readonly controlPlane: "connected" | "away";
  readonly heldRequests: number;
}

/**
 * The admin listener: `/healthz` answers 200 as long as the process works, `/readyz` 200 when it has routes to serve
 * from and does not stop, else 503. Both give the state as JSON.
 */
export function createAdminServer(state: () => GatewayState): Server {
  return createServer((request, response) => {
    const now = state();
    const ready = now.revision !== null && !now.stopping;
    const path = request.url?.split("?", 1)[0];
    const status = path === "/healthz" ? 200 : path === "/readyz" ? (ready ? 200 : 503) : 404;
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    const body = status === 404 ? { error: "There are /healthz and /readyz here." } : { ready, ...now };
    response.end(`${JSON.stringify(body)}\n`);
  });
}
