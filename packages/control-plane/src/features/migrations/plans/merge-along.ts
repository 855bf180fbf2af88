import type { FieldChoice, Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { type FieldsOnTheWay, hasCustomizables, requireCarrying } from "../../customizations/carry-customizations.ts";
import { plan } from "../migration-step.ts";
import { mergeCustomizations } from "../steps/merge-customizations.ts";
import type { DecisionFacts } from "./decision.ts";

/** How a tenant's customisations come along. */
export interface MergesAlong {
  /** One step a hop; none where no release has anything to customise. */
  readonly steps: readonly PlannedStep[];
  /** What the changes of the data do with the tenant's own columns. */
  readonly fields: FieldsOnTheWay;
}

/**
 * Merges the tenant's customisations at every hop of a way.
 *
 * @throws CustomizationConflictError when something is left to decide
 */
export async function mergeAlong(
  { tx: { db }, state: { tenant, module } }: DecisionFacts,
  path: readonly Version[],
  preserve: boolean,
): Promise<MergesAlong> {
  const place = { tenant, module };
  if (path.length < 2 || !(await hasCustomizables(db, place, path))) return { steps: [], fields: new Map() };
  const fields = await requireCarrying(db, place, path, { preserve });
  const steps = path.slice(1).flatMap((to, index) => {
    const from = path[index];
    return from === undefined ? [] : [plan(mergeCustomizations, { from, to, preserve, ...fieldsAt(fields, to) })];
  });
  return { steps, fields };
}

/** What a step that goes to a release is told of the tenant's own columns. */
export function fieldsAt(fields: FieldsOnTheWay, to: Version): { customFields?: Record<string, FieldChoice> } {
  const customFields = fields.get(to);
  return customFields === undefined ? {} : { customFields };
}
