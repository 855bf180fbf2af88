import { compareVersions, parseModuleId, parseTenantId, parseVersion, routeSeed } from "@aibos/domain";
import type { TrafficSplit } from "@aibos/domain";
import type { TenantRoute } from "@aibos/contract";
import { type RouteKey, routeKeyOf } from "./route-key.ts";

export type RouteVersion = TenantRoute["versions"][number];

/** A route made ready for use: what a request needs is computed once per change, not once per request. */
export interface RouteEntry {
  readonly key: RouteKey;
  readonly route: TenantRoute;
  readonly seed: number;
  /** Versions that take requests, newest first. */
  readonly split: TrafficSplit;
  readonly versions: ReadonlyMap<string, RouteVersion>;
}

/** @throws InvalidIdentifierError, or RangeError when the weights do not add up to 10,000 */
export function routeEntryOf(route: TenantRoute): RouteEntry {
  const [first, ...rest] = route.versions
    .filter((version) => version.weight > 0)
    .map((version) => ({ version: parseVersion(version.version), weight: version.weight }))
    .sort((a, b) => compareVersions(b.version, a.version));
  const total = route.versions.reduce((sum, version) => sum + version.weight, 0);
  if (first === undefined || total !== 10_000) {
    throw new RangeError(`The weights of ${route.tenant}/${route.module} add up to ${total}, not to 10000.`);
  }
  return {
    key: routeKeyOf(route.tenant, route.module),
    route,
    seed: routeSeed(parseTenantId(route.tenant), parseModuleId(route.module)),
    split: [first, ...rest],
    versions: new Map(route.versions.map((version) => [version.version, version])),
  };
}
