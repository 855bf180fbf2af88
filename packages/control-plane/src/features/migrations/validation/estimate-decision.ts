import { type Kysely, sql } from "kysely";
import type { MigrationEstimate } from "@aibos/contract";
import { estimateBySize, type ModuleId } from "@aibos/domain";
import type { ControlTables } from "../../../db/control-tables.ts";
import type { Decision } from "../plans/decision.ts";
import type { DataSize } from "./read-data-size.ts";

/** Fewer earlier migrations than these say too little. */
const ENOUGH = 5;
/** Only the newest so many are looked at. */
const NEWEST = 1_000;
/** Rows whose time is as much as what a migration takes with no rows at all: how time grows with rows is unknown below. */
const FIXED_ROWS = 10_000;

/**
 * How long a planned move will take: from the fifth to the 95th percentile of what the newest migrations between the
 * same versions took, each scaled from its rows to this tenant's; from the size alone where there were too few.
 */
export async function estimateDecision(
  db: Kysely<ControlTables>,
  module: ModuleId,
  { fromVersion, toVersion, path, steps }: Decision,
  { rows, bytes }: DataSize,
): Promise<MigrationEstimate> {
  const holds = steps.some((step) => step.name === "hold");
  const { rows: found } = await sql<{ samples: number; duration: number[] | null; downtime: number[] | null }>`
    select count(*)::int as samples,
      percentile_cont(array[0.05, 0.95]) within group (order by ms * scale) as duration,
      percentile_cont(array[0.05, 0.95]) within group (order by held * scale) as downtime
    from (
      select extract(epoch from r.finished_at - r.started_at) * 1000
               - coalesce((r.request->>'observe')::numeric, 0) * 1000 as ms,
        coalesce((r.result->>'heldMs')::numeric, 0) as held,
        (${rows}::numeric + ${FIXED_ROWS}) / (coalesce(p.rows, ${rows}::numeric) + ${FIXED_ROWS}) as scale
      from migration_records r
      left join lateral (select rows from rollback_points where migration_id = r.id limit 1) p on true
      where r.module = ${module} and r.kind = 'migrate' and r.status = 'succeeded'
        and r.from_version = ${fromVersion} and r.to_version = ${toVersion}
      order by r.finished_at desc limit ${NEWEST}
    ) as earlier`.execute(db);
  const { samples = 0, duration = null, downtime = null } = found[0] ?? {};
  const bySize = estimateBySize({ rows, hops: Math.max(1, path.length - 1) });
  const known = samples >= ENOUGH && duration !== null && downtime !== null;
  return {
    duration: known ? rangeOf(duration) : bySize,
    downtime: !holds ? { lowMs: 0, highMs: 0 } : known ? rangeOf(downtime) : bySize,
    rows,
    bytes,
    basis: known ? "history" : "size",
    samples,
  };
}

function rangeOf([low = 0, high = low]: readonly number[]): { lowMs: number; highMs: number } {
  return { lowMs: Math.max(0, Math.round(low)), highMs: Math.max(0, Math.round(high)) };
}
