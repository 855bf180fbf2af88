/** How routes are made into HTTPRoute manifests. */
export interface GatewayApiOptions {
  /** Namespace of the manifests. */
  readonly namespace: string;
  /** The `Gateway` that the routes hang on: `name` or `namespace/name`. */
  readonly parent: string;
  /** The Service of our gateways, for what a Gateway can't do: `name:port` in the same namespace. */
  readonly gatewayService: string;
  /** The header that names a user. */
  readonly stickyHeader: string;
  /** For how long signed tenant contexts are good, in seconds. They are renewed at half of it. */
  readonly contextSeconds: number;
}

/** Marks the manifests that are ours, to find those that are not wanted any more. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "aibos-versions" };
