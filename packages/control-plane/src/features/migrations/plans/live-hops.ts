import type { FieldChoice, ModuleId, Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import type { ModuleReadModel } from "../../modules/module-read-model.ts";
import type { FieldsOnTheWay } from "../../customizations/carry-customizations.ts";
import { plan } from "../migration-step.ts";
import { backfill } from "../steps/backfill.ts";
import { expand } from "../steps/expand.ts";
import { fieldsAt } from "./merge-along.ts";

/**
 * The first release on a way whose change of the data keeps everybody out; undefined when older and newer versions can
 * use the data together all the way.
 */
export async function firstExclusive(
  modules: ModuleReadModel,
  module: ModuleId,
  path: readonly Version[],
): Promise<Version | undefined> {
  for (const [index, version] of path.entries()) {
    const before = path[index - 1];
    if (before === undefined) continue;
    const known = (await modules.getVersion(module, before)).migrations.length;
    const added = (await modules.getVersion(module, version)).migrations.slice(known);
    if (added.some(({ kind }) => kind !== "operations")) return version;
  }
  return undefined;
}

/** The versions of the data that a plan brings up, from the one that is there on. */
export function liveDataPath(steps: readonly PlannedStep[]): Version[] {
  const hops = steps.filter((step) => step.name === expand.name);
  const [first] = hops;
  return first === undefined
    ? []
    : [first, ...hops].map((hop, index) => hop.with[index === 0 ? "from" : "to"] as Version);
}

/** What becomes of the tenant's own columns on that way. */
export function fieldsOnTheWay(steps: readonly PlannedStep[]): Map<string, FieldChoice> {
  return new Map(
    steps.flatMap((step) => Object.entries((step.with["customFields"] ?? {}) as Record<string, FieldChoice>)),
  );
}

/** Brings the data of every release on a way up beside that of the first one. */
export function expandAlong(path: readonly Version[], fields: FieldsOnTheWay): PlannedStep[] {
  return path.slice(1).flatMap((to, index) => {
    const from = path[index];
    return from === undefined
      ? []
      : [plan(expand, { from, to, ...fieldsAt(fields, to) }), plan(backfill, { version: to })];
  });
}
