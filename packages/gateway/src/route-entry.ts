import {
  compareVersions,
  type CompiledRules,
  compileRules,
  parseModuleId,
  parseTenantId,
  parseVersion,
  SLOTS,
} from "@aibos/domain";
import type { FeedPolicy, TenantRoute } from "@aibos/contract";
import { type RouteKey, routeKeyOf } from "./route-key.ts";

export type RouteVersion = TenantRoute["versions"][number];

/** Live versions, newest first, with weights that add up to 10,000. */
type RouteVersions = readonly [RouteVersion, ...RouteVersion[]];

/**
 * A route made ready for use: what a request needs is computed once per change, not once per request. A gateway has
 * 100,000 of them, so that it holds little besides what came.
 */
export interface RouteEntry {
  readonly key: RouteKey;
  readonly route: TenantRoute;
  readonly versions: RouteVersions;
  /** Undefined where weights alone decide. */
  readonly policy: EntryPolicy | undefined;
}

interface EntryPolicy {
  readonly rules: CompiledRules;
  readonly mirror: FeedPolicy["mirror"];
  readonly leaving: Leaving | undefined;
}

/** Users who came before `since` go on by these weights, until `until`; times in milliseconds since the epoch. */
interface Leaving {
  readonly weights: readonly [LeavingWeight, ...LeavingWeight[]];
  readonly since: number;
  readonly until: number;
}
type LeavingWeight = NonNullable<FeedPolicy["leaving"]>["weights"][number];

/** @throws InvalidIdentifierError, or RangeError when weights do not add up to 10,000 */
export function routeEntryOf(route: TenantRoute): RouteEntry {
  parseTenantId(route.tenant);
  parseModuleId(route.module);
  const [first, ...rest] = newestFirst(route.versions);
  if (first === undefined) throw new RangeError(`The route ${route.tenant}/${route.module} has no version.`);
  requireWhole(route, route.versions);
  return {
    key: routeKeyOf(route.tenant, route.module),
    route,
    versions: rest.length === 0 ? [first] : [first, ...rest],
    policy: route.policy === null ? undefined : entryPolicyOf(route, route.policy),
  };
}

/** The live version of that name; undefined when it does not serve. */
export function versionOf(entry: RouteEntry, version: string): RouteVersion | undefined {
  return entry.versions.find((one) => one.version === version);
}

function entryPolicyOf(route: TenantRoute, { rules, segments, mirror, leaving }: FeedPolicy): EntryPolicy {
  return { rules: compileRules(rules, segments), mirror, leaving: leaving === null ? undefined : ready() };

  function ready(): Leaving | undefined {
    const [first, ...rest] = newestFirst(leaving?.weights ?? []);
    if (leaving === null || first === undefined) return undefined;
    requireWhole(route, leaving.weights);
    return { weights: [first, ...rest], since: leaving.since, until: leaving.until ?? Number.POSITIVE_INFINITY };
  }
}

function newestFirst<V extends { readonly version: string }>(versions: readonly V[]): V[] {
  return versions
    .map((one) => ({ one, version: parseVersion(one.version) }))
    .sort((a, b) => compareVersions(b.version, a.version))
    .map(({ one }) => one);
}

function requireWhole({ tenant, module }: TenantRoute, versions: readonly { readonly weight: number }[]): void {
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  if (total !== SLOTS) throw new RangeError(`The weights of ${tenant}/${module} add up to ${total}, not to ${SLOTS}.`);
}
