import { type LiveSchema, openTenantLiveSchema, type TenantSession } from "@aibos/tenant-data";
import { carryWrites, noteRowChange } from "../../rollback-points/counted-writes.ts";
import type { StepRun } from "../migration-step.ts";

/** The live versions of a tenant's data, for a step: rows that releases' own SQL changes are not counted as users' writes. */
export function openLiveData<With>(run: StepRun<With>, session: TenantSession): LiveSchema {
  return openTenantLiveSchema(session, {
    rowChanges: {
      expected: () => run.fenced((tx) => carryWrites(tx, run), "repeatable read"),
      made: (change) => run.fenced((tx) => noteRowChange(tx, run, change)),
    },
  });
}
