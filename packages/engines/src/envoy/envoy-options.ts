/** How Envoy is set up. */
export interface EnvoyOptions {
  /** Folder of `rds.json` and `cds.json`. */
  readonly folder: string;
  /** Gateways, as `host:port`, for what Envoy can't do by itself. */
  readonly gateways: readonly string[];
  /** The header that names a user. */
  readonly stickyHeader: string;
  /** For how long signed tenant contexts are good, in seconds. They are renewed at half of it. */
  readonly contextSeconds: number;
}

/** Name of the route configuration, for a listener's `rds`. */
export const ROUTE_CONFIGURATION = "aibos";
/** Name of the cluster of gateways. */
export const GATEWAY_CLUSTER = "aibos-gateways";
