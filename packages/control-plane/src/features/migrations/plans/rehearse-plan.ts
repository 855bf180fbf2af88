import type { Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { plan, type StepKind } from "../migration-step.ts";
import { backfill } from "../steps/backfill.ts";
import { contract } from "../steps/contract.ts";
import { deploy } from "../steps/deploy.ts";
import { expand } from "../steps/expand.ts";
import { hop } from "../steps/hop.ts";
import { probe } from "../steps/probe.ts";
import { rehearsalCopy, rehearsalDrop } from "../steps/rehearsal/rehearsal-copy.ts";
import {
  rehearsalBackfill,
  rehearsalContract,
  rehearsalExpand,
  rehearsalHop,
} from "../steps/rehearsal/rehearse-data.ts";
import { rehearsalCompare, rehearsalConflicts, rehearsalProbe } from "../steps/rehearsal/rehearse-use.ts";
import { validate } from "../steps/validate.ts";
import type { Decision, DecisionFacts } from "./decision.ts";
import { planMigrate } from "./migrate-plan.ts";

/** What is done to the copy in place of a migration's step. */
const ON_THE_COPY: Readonly<Record<string, (step: PlannedStep) => PlannedStep>> = {
  [hop.name]: (step) => again(rehearsalHop, step),
  [expand.name]: (step) => again(rehearsalExpand, step),
  [backfill.name]: (step) => again(rehearsalBackfill, step),
  [probe.name]: (step) => again(rehearsalProbe, { ...step, with: { ...step.with, when: "" } }),
  [contract.name]: (step) => again(rehearsalContract, { ...step, with: { version: step.with["version"] } }),
};
/** Steps that change nothing and are the same. */
const THE_SAME: ReadonlySet<string> = new Set([validate.name, deploy.name]);

/**
 * Rehearses a migration: its own plan, with each step that changes the data done to a copy, and those left out that
 * concern users (holds, switches, drains). Conflicts of customisations are told in place of refused.
 */
export async function planRehearse(facts: DecisionFacts, version: Version, today: string): Promise<Decision> {
  const request = { version, preserveCustomizations: false, observe: 0, soak: 0 };
  const migration = await planMigrate(facts, request, today);
  const path = [...migration.path];
  const after = { versions: [{ version, dataVersion: version }], when: "when the old version's data is gone" };
  const contracts = migration.steps.some(({ name }) => name === contract.name);
  return {
    ...migration,
    steps: [
      ...migration.steps.filter(({ name }) => THE_SAME.has(name)),
      plan(rehearsalCopy, { digests: await digestsOf(facts, path) }),
      plan(rehearsalConflicts, { path }),
      ...migration.steps.flatMap((step) => {
        const rehearsed = ON_THE_COPY[step.name];
        return rehearsed === undefined ? [] : [rehearsed(step)];
      }),
      ...(contracts ? [plan(rehearsalProbe, after)] : []),
      plan(rehearsalCompare, { version }),
      plan(rehearsalDrop, {}),
    ],
  };
}

/** A step with what another one was planned with, of the same shape. */
function again<With extends object>(kind: StepKind<With>, step: PlannedStep): PlannedStep {
  return plan(kind, step.with as With);
}

/** SHA-256 of the releases' archives, by version. */
export async function digestsOf(
  { state, modules }: Pick<DecisionFacts, "state" | "modules">,
  path: readonly Version[],
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const version of path) digests[version] = (await modules.getVersion(state.module, version)).digest;
  return digests;
}
