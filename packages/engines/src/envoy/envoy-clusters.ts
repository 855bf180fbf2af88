import type { RouteTable } from "@aibos/gateway";
import { type EnvoyOptions, GATEWAY_CLUSTER } from "./envoy-options.ts";

/** The cluster of a version, or undefined when Envoy can't reach its processes as they are addressed. */
export function clusterNameOf(table: RouteTable, module: string, version: string): string | undefined {
  const urls = table.endpoints(module, version)?.urls ?? [];
  const arePlain = urls.every((url) => new URL(url).protocol === "http:" && new URL(url).pathname === "/");
  return urls.length > 0 && arePlain ? `${module}@${version}` : undefined;
}

/** All clusters (`envoy.config.cluster.v3.Cluster`): one for each version with processes, and the gateways'. */
export function* envoyClusters(table: RouteTable, { gateways }: EnvoyOptions): Generator<object> {
  yield cluster(GATEWAY_CLUSTER, gateways, "/healthz", false);
  for (const { module, version, urls, healthPath } of table.allEndpoints()) {
    const name = clusterNameOf(table, module, version);
    if (name !== undefined) {
      yield cluster(
        name,
        urls.map((url) => hostOf(new URL(url))),
        healthPath ?? "/",
        healthPath !== null,
      );
    }
  }
}

function hostOf({ host, port }: URL): string {
  return port === "" ? `${host}:80` : host;
}

function cluster(name: string, hosts: readonly string[], healthPath: string, isChecked: boolean): object {
  return {
    "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    name,
    type: "STRICT_DNS",
    connect_timeout: "5s",
    lb_policy: "ROUND_ROBIN",
    round_robin_lb_config: { slow_start_config: { slow_start_window: "10s" } },
    outlier_detection: { consecutive_gateway_failure: 5, base_ejection_time: "10s", max_ejection_percent: 100 },
    ...(isChecked && {
      health_checks: [
        {
          timeout: "2s",
          interval: "5s",
          unhealthy_threshold: 2,
          healthy_threshold: 1,
          http_health_check: { path: healthPath },
        },
      ],
    }),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: hosts.map(endpoint) }],
    },
  };
}

function endpoint(host: string): object {
  const at = host.lastIndexOf(":");
  const address = host.slice(0, at).replace(/^\[|\]$/g, "");
  return { endpoint: { address: { socket_address: { address, port_value: Number(host.slice(at + 1)) } } } };
}
