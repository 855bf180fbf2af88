import type { Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { plan } from "../migration-step.ts";
import { deploy } from "../steps/deploy.ts";
import { hop } from "../steps/hop.ts";
import { fieldsOnTheWay } from "./live-hops.ts";
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
  // A release that failed half way left something behind: its files are not one transaction.
  const customFields = Object.fromEntries(fieldsOnTheWay(ran));
  const back = steps[done]?.name === "hop" ? [plan(hop, { from: version, to: version, customFields })] : [];
  return [...back, plan(deploy, { version }), ...arriveAt(version)];
}
