import { type CompiledRules, compileRules, parseModuleId, parseTenantId, SLOTS } from "@aibos/domain";
import type { FeedPolicy, TenantRoute } from "@aibos/contract";
import { type RouteKey, routeKeyOf } from "./route-key.ts";
import { compareNames } from "./version-order.ts";

export type RouteVersion = TenantRoute["versions"][number];

/** Live versions, newest first, with weights that add up to 10,000. */
type RouteVersions = readonly [RouteVersion, ...RouteVersion[]];

/**
 * A route made ready for use: what a request needs is computed once, not for each request. A gateway knows 100,000
 * routes, of which it has few ready.
 */
export interface RouteEntry {
  readonly key: RouteKey;
  readonly route: TenantRoute;
  readonly versions: RouteVersions;
  /** Undefined where weights alone decide. */
  readonly policy: EntryPolicy | undefined;
}

export interface EntryPolicy {
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

/**
 * @param policy what was made of an equal policy before
 * @throws InvalidIdentifierError, or RangeError when weights do not add up to 10,000
 */
export function routeEntryOf(route: TenantRoute, policy?: EntryPolicy): RouteEntry {
  parseTenantId(route.tenant);
  parseModuleId(route.module);
  const versions = newestFirst(route.versions);
  if (!isNotEmpty(versions)) throw new RangeError(`The route ${route.tenant}/${route.module} has no version.`);
  requireWhole(route, versions);
  return {
    key: routeKeyOf(route.tenant, route.module),
    route,
    versions,
    policy: route.policy === null ? undefined : (policy ?? entryPolicyOf(route, route.policy)),
  };
}

/** The live version of that name; undefined when it does not serve. */
export function versionOf(entry: RouteEntry, version: string): RouteVersion | undefined {
  return entry.versions.find((one) => one.version === version);
}

function entryPolicyOf(route: TenantRoute, { rules, segments, mirror, leaving }: FeedPolicy): EntryPolicy {
  return { rules: compileRules(rules, segments), mirror, leaving: leaving === null ? undefined : ready() };

  function ready(): Leaving | undefined {
    const weights = newestFirst(leaving?.weights ?? []);
    if (leaving === null || !isNotEmpty(weights)) return undefined;
    requireWhole(route, weights);
    return { weights, since: leaving.since, until: leaving.until ?? Number.POSITIVE_INFINITY };
  }
}

function isNotEmpty<V>(values: readonly V[]): values is readonly [V, ...V[]] {
  return values.length > 0;
}

/** As they are where they come in that order, as the control plane sends them. */
function newestFirst<V extends { readonly version: string }>(versions: readonly V[]): readonly V[] {
  let isSorted = true;
  for (const [index, { version }] of versions.entries()) {
    // The first one is compared with itself: one that is no version is refused where it is alone, too.
    isSorted = compareNames(versions[Math.max(0, index - 1)]?.version ?? version, version) >= 0 && isSorted;
  }
  return isSorted ? versions : versions.toSorted((a, b) => compareNames(b.version, a.version));
}

function requireWhole({ tenant, module }: TenantRoute, versions: readonly { readonly weight: number }[]): void {
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  if (total !== SLOTS) throw new RangeError(`The weights of ${tenant}/${module} add up to ${total}, not to ${SLOTS}.`);
}
