import type { Version } from "@aibos/domain";
import { type BackfillProgress, openTenantLiveSchema, type TenantSession } from "@aibos/tenant-data";
import { discountFilled } from "../../rollback-points/counted-writes.ts";
import type { Detail, StepKind, StepRun } from "../migration-step.ts";
import { asTenant } from "./as-tenant.ts";

/** So often the step's entry tells how far it is. */
const TELL_MS = 1_000;

/**
 * Fills the rows that were there for a release's data, while everybody writes; then its constraints hold, and it can be
 * used. A successor goes on from the last batch.
 */
export const backfill: StepKind<{ version: Version }> = {
  name: "backfill",
  title: ({ version }) => `fill the rows that are there for ${version}`,
  outside: (run) => asTenant(run, (session) => fillRows(run, session)),
  async inside(tx, run, found) {
    await discountFilled(tx, run);
    return { detail: found };
  },
};

/** Fills the rows, wherever they are, and tells now and then how far it is. */
export async function fillRows(run: StepRun<{ version: Version }>, session: TenantSession): Promise<Detail> {
  let rows = 0;
  let toldAt = performance.now();
  for await (const progress of openTenantLiveSchema(session).backfill(run.with.version)) {
    rows = progress.rowsDone;
    if (performance.now() - toldAt < TELL_MS) continue;
    toldAt = performance.now();
    await run.fenced((_tx, noted, note) => note({ ...noted, progress: told(progress) }));
  }
  return { rows };
}

function told({ table, rowsDone, rowsTotal, rowsPerSecond, secondsLeft }: BackfillProgress): Detail {
  return {
    table: table ?? null,
    rowsDone,
    rowsTotal,
    rowsPerSecond: Math.round(rowsPerSecond),
    secondsLeft: secondsLeft === undefined ? null : Math.ceil(secondsLeft),
  };
}
