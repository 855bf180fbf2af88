import { sql } from "kysely";
import type { FeedPolicy, MirrorReport, RoutePolicy } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";

interface Subject {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

const NO_POLICY: FeedPolicy = { rules: [], segments: {}, mirror: null, leaving: null };

/** What decides about a route besides its weights. */
export async function readRoutePolicy(db: ControlTransaction["db"], { tenant, module }: Subject): Promise<FeedPolicy> {
  const row = await db
    .selectFrom("route_policies")
    .select(["rules", "segments", "mirror", "leaving"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirst();
  return row ?? NO_POLICY;
}

/** Replaces the given parts; publish the route in the same transaction. */
export async function writeRoutePolicy(
  { db }: ControlTransaction,
  { tenant, module }: Subject,
  parts: Partial<FeedPolicy>,
): Promise<void> {
  const { rules, segments, mirror, leaving } = parts;
  const columns = {
    ...(rules === undefined ? {} : { rules: JSON.stringify(rules) }),
    ...(segments === undefined ? {} : { segments: JSON.stringify(segments) }),
    ...(mirror === undefined ? {} : { mirror: mirror === null ? null : JSON.stringify(mirror) }),
    ...(leaving === undefined ? {} : { leaving: leaving === null ? null : JSON.stringify(leaving) }),
  };
  await db
    .insertInto("route_policies")
    .values({ tenant, module, ...columns })
    .onConflict((conflict) => conflict.columns(["tenant", "module"]).doUpdateSet(columns))
    .execute();
  if (mirror !== undefined) {
    await db.deleteFrom("mirror_counts").where("tenant", "=", tenant).where("module", "=", module).execute();
  }
}

/** A policy as the API tells it. */
export function describeRoutePolicy(
  { tenant, module }: Subject,
  { rules, segments, mirror, leaving }: FeedPolicy,
): Omit<RoutePolicy, "revision" | "acknowledged"> {
  return {
    tenant,
    module,
    rules,
    segments,
    mirror: mirror && { version: mirror.version, percent: mirror.weight / 100 },
    leaving: leaving && {
      traffic: Object.fromEntries(leaving.weights.map(({ version, weight }) => [version, weight / 100])),
      since: new Date(leaving.since).toISOString(),
      until: leaving.until === null ? null : new Date(leaving.until).toISOString(),
    },
  };
}

/** What the gateways counted for the mirror that is set now. */
export async function readMirrorReport(db: ControlTransaction["db"], subject: Subject): Promise<MirrorReport> {
  const { tenant, module } = subject;
  const { mirror } = await readRoutePolicy(db, subject);
  const sum = <C extends string>(column: C) =>
    sql<number>`coalesce(sum(${sql.ref(column)}), 0)::double precision`.as(column);
  const { ms, mirror_ms, ...counts } = await db
    .selectFrom("mirror_counts")
    .select([
      sum("compared"),
      sum("status_differs"),
      sum("size_differs"),
      sum("failed"),
      sum("skipped"),
      sum("ms"),
      sum("mirror_ms"),
    ])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("since", "=", mirror?.since ?? -1)
    .executeTakeFirstOrThrow();
  const { compared } = counts;
  const mean = (total: number): number | null =>
    compared === 0 ? null : Math.round((1_000 * total) / compared) / 1_000;
  return {
    tenant,
    module,
    mirror: mirror && {
      version: mirror.version,
      percent: mirror.weight / 100,
      since: new Date(mirror.since).toISOString(),
    },
    compared,
    statusDiffers: counts.status_differs,
    sizeDiffers: counts.size_differs,
    failed: counts.failed,
    skipped: counts.skipped,
    meanMs: mean(ms),
    mirrorMeanMs: mean(mirror_ms),
  };
}
