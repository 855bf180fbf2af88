import { signTenantContext } from "@aibos/contract";
import type { RouteEntry, RouteTable } from "@aibos/gateway";

/** A tenant context that was signed beforehand, for engines that can't sign: it is good until `expires`. */
export interface ContextSource {
  readonly table: RouteTable;
  /** In whole seconds since the epoch. */
  readonly expires: number;
}

/** The context of a version of a route; undefined when nothing is known of the version's processes. */
export function signedContext(
  { table, expires }: ContextSource,
  entry: RouteEntry,
  version: string,
): string | undefined {
  const { tenant, module, role } = entry.route;
  const endpoints = table.endpoints(module, version);
  const live = entry.versions.find((one) => one.version === version);
  if (endpoints === undefined || live === undefined) return undefined;
  const { schema, views, dataVersion } = live;
  return signTenantContext(
    { tenant, module, version, schema, views, dataVersion, role, expires },
    endpoints.contextKey,
  );
}
