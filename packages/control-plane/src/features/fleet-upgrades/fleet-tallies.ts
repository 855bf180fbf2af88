import type { FleetMemberStatus, FleetUpgrade } from "@aibos/contract";
import type { PlannedWave } from "@aibos/domain";

/** How many members of a batch stand so. */
export interface StatusCount {
  readonly wave: number | null;
  readonly batch: number | null;
  readonly status: FleetMemberStatus;
  readonly count: number;
}

type Tally = Pick<FleetUpgrade["waves"][number], "tenants" | "moved" | "failed" | "skipped" | "open">;

const RECENT = 8;

export function countsOf(rows: readonly StatusCount[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, count } of rows) counts[status] = (counts[status] ?? 0) + count;
  return counts;
}

export function waveTallies(waves: readonly PlannedWave[], rows: readonly StatusCount[]): FleetUpgrade["waves"] {
  return waves.map(({ name, firstBatch, lastBatch, soakSeconds }, number) => ({
    name,
    firstBatch: firstBatch + 1,
    lastBatch: lastBatch + 1,
    soakSeconds,
    ...tally(rows.filter(({ wave }) => wave === number)),
  }));
}

/** Those that have begun, newest first. */
export function recentBatches(rows: readonly StatusCount[], present: number): FleetUpgrade["recentBatches"] {
  const byBatch = Map.groupBy(rows, ({ batch }) => batch);
  return [...byBatch]
    .flatMap(([batch, own]) => (batch === null || batch > present ? [] : [{ batch: batch + 1, ...tally(own) }]))
    .toSorted((a, b) => b.batch - a.batch)
    .slice(0, RECENT);
}

function tally(rows: readonly StatusCount[]): Tally {
  const of = (...statuses: FleetMemberStatus[]): number =>
    rows.reduce((sum, { status, count }) => (statuses.includes(status) ? sum + count : sum), 0);
  return {
    tenants: rows.reduce((sum, { count }) => sum + count, 0),
    moved: of("moved"),
    failed: of("failed", "kept"),
    skipped: of("skipped", "cancelled", "returned"),
    open: of("waiting", "deferred", "claimed", "moving", "returning"),
  };
}
