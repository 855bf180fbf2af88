import type { Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { plan } from "../migration-step.ts";
import { deploy } from "../steps/deploy.ts";
import { arriveAt } from "./migrate-plan.ts";

/**
 * How a migration that failed after `done` steps arrives at the furthest release that its data reached; undefined when
 * it reached none, or when the requests were switched already.
 */
export function planSalvage(steps: readonly PlannedStep[], done: number): PlannedStep[] | undefined {
  const ran = steps.slice(0, done);
  const reached = ran.findLast((step) => step.name === "hop");
  if (reached === undefined || ran.some((step) => step.name === "route")) return undefined;
  const version = reached.with["to"] as Version;
  return [plan(deploy, { version }), ...arriveAt(version)];
}
