import type { Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { hasCustomizables, requireCarrying } from "../../customizations/carry-customizations.ts";
import { plan } from "../migration-step.ts";
import { mergeCustomizations } from "../steps/merge-customizations.ts";
import type { DecisionFacts } from "./decision.ts";

/**
 * Merges the tenant's customisations at every hop of a way; no step where no release has anything to customise.
 *
 * @throws CustomizationConflictError when something is left to decide
 */
export async function mergeAlong(
  { tx: { db }, state: { tenant, module } }: DecisionFacts,
  path: readonly Version[],
  preserve: boolean,
): Promise<PlannedStep[]> {
  if (path.length < 2 || !(await hasCustomizables(db, module, path))) return [];
  if (preserve) await requireCarrying(db, { tenant, module }, path);
  return path.slice(1).flatMap((to, index) => {
    const from = path[index];
    return from === undefined ? [] : [plan(mergeCustomizations, { from, to, preserve })];
  });
}
