import { createServer, type Server } from "node:http";
import { type Metric, metric, processMetrics, PROMETHEUS_TYPE, prometheusText } from "@aibos/contract";
import type { UpstreamState } from "./upstream-watch.ts";

/** What the gateway says of itself. */
export interface GatewayState {
  readonly stopping: boolean;
  /** The newest revision of the routes that it applied; null while it has none. */
  readonly revision: number | null;
  readonly routes: number;
  /** Whether it follows the control plane at the moment; it serves all the same when it does not. */
  readonly controlPlane: "connected" | "away";
  readonly heldRequests: number;
  /** Processes that get no requests because of their health. */
  readonly ejectedUpstreams: number;
}

/**
 * The admin listener: `/healthz` answers 200 as long as the process works, `/readyz` 200 when it has routes to serve
 * from and does not stop, else 503. Both give the state as JSON. `/metrics` is for Prometheus, `/upstreams` gives each
 * process with its health.
 */
export function createAdminServer(
  state: () => GatewayState,
  { metrics, upstreams }: { metrics: () => Metric[]; upstreams: () => readonly UpstreamState[] },
): Server {
  return createServer((request, response) => {
    const now = state();
    const ready = now.revision !== null && !now.stopping;
    const path = request.url?.split("?", 1)[0];
    if (path === "/metrics") {
      response.writeHead(200, { "content-type": PROMETHEUS_TYPE, "cache-control": "no-store" });
      response.end(prometheusText([...stateMetrics(now), ...metrics(), ...processMetrics(process)]));
      return;
    }
    if (path === "/upstreams") {
      response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify({ upstreams: upstreams() })}\n`);
      return;
    }
    const status = path === "/healthz" ? 200 : path === "/readyz" ? (ready ? 200 : 503) : 404;
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    const body =
      status === 404 ? { error: "There are /healthz, /readyz, /metrics and /upstreams here." } : { ready, ...now };
    response.end(`${JSON.stringify(body)}\n`);
  });
}

function stateMetrics({ revision, routes, controlPlane, heldRequests }: GatewayState): Metric[] {
  return [
    metric("gauge", "aibos_gateway_routes", "Routes that the gateway knows.", routes),
    metric("gauge", "aibos_gateway_route_revision", "Newest revision of the routes that it applied.", revision ?? 0),
    metric(
      "gauge",
      "aibos_gateway_control_plane_connected",
      "Whether it follows the control plane at the moment.",
      controlPlane === "connected" ? 1 : 0,
    ),
    metric("gauge", "aibos_gateway_held_requests", "Requests that wait for a hold to end.", heldRequests),
  ];
}
