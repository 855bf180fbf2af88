import { readLiveVersionNames } from "@aibos/tenant-data";
import type { StepRun } from "../migration-step.ts";

/** Names of the versions of a tenant's data that are live, oldest first; none where one version has the tables. */
export function liveNames(run: StepRun<unknown>): Promise<string[]> {
  return readLiveVersionNames(run.platform.data.pool, run.schema);
}
