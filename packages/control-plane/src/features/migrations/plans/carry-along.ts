import { compareVersions, type Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { plan } from "../migration-step.ts";
import { carryFlags } from "../steps/carry-flags.ts";
import type { DecisionFacts } from "./decision.ts";

/**
 * What a tenant set for one version comes along to another: nothing to do where neither declares a flag.
 *
 * @param path the releases on the way, which may have renamed flags; others among them do no harm
 */
export async function carryAlong(
  { state, modules }: DecisionFacts,
  { from, to, path }: { from: Version; to: Version; path: readonly Version[] },
): Promise<PlannedStep[]> {
  const between = path.filter((version) => compareVersions(version, from) > 0 && compareVersions(version, to) < 0);
  for (const version of [from, to]) {
    const { manifest } = await modules.getVersion(state.module, version);
    // Releases of before there were flags have none in their manifest.
    if (Object.keys(manifest.flags ?? {}).length > 0) return [plan(carryFlags, { from, to, between })];
  }
  return [];
}
