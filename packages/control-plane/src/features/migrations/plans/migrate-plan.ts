import { AlreadyOnVersionError, RollbackUnavailableError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { newestRollbackPoint } from "../../rollback-points/rollback-points.ts";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { countWrites } from "../steps/count-writes.ts";
import { deploy } from "../steps/deploy.ts";
import { drain } from "../steps/drain.ts";
import { grant } from "../steps/grant.ts";
import { hold } from "../steps/hold.ts";
import { hop } from "../steps/hop.ts";
import { probe } from "../steps/probe.ts";
import { rollbackPoint } from "../steps/rollback-point.ts";
import { route } from "../steps/route.ts";
import { validate } from "../steps/validate.ts";
import { ALL, type Decision, type DecisionFacts } from "./decision.ts";
import { dataVersionOf, onlyLiveVersion } from "./only-live-version.ts";
import { requireUpgrade } from "./require-upgrade.ts";

/** Moves a tenant along a path of releases; its requests are held while the data is changed. */
export async function planMigrate(
  facts: DecisionFacts,
  request: { version: Version; rollbackVersion?: Version | undefined },
  today: string,
): Promise<Decision> {
  const { state, tx } = facts;
  const { tenant, module } = state;
  const from = onlyLiveVersion(state);
  const to = request.version;
  if (from === to) throw new AlreadyOnVersionError(tenant, module, to);
  const path = await requireUpgrade(facts, from, to, today);
  const { rollbackVersion } = request;
  if (rollbackVersion !== undefined && rollbackVersion !== from) {
    const point = await newestRollbackPoint(tx.db, { tenant, module, version: rollbackVersion });
    if (point === undefined) {
      throw new RollbackUnavailableError(tenant, module, `rollbackVersion ${rollbackVersion} has no rollback point.`);
    }
  }
  const reason = `before ${from} → ${to}`;
  return {
    fromVersion: from,
    toVersion: to,
    path,
    steps: [
      plan(validate, { versions: path.slice(1) }),
      plan(deploy, { version: to }),
      plan(hold, { reason: `moving to ${to}` }),
      plan(drain, { after: "hold", revoke: [from] }),
      plan(countWrites, {}),
      plan(rollbackPoint, { version: from, dataVersion: dataVersionOf(state), reason }),
      ...hopsAlong(path),
      ...arriveAt(to),
    ],
  };
}

/** One hop for each release after the first. */
export function hopsAlong(path: readonly Version[]): PlannedStep[] {
  return path.slice(1).map((to, index) => plan(hop, { from: path[index] ?? null, to }));
}

/** Has one version serve alone, and ends the hold. */
export function arriveAt(version: Version): PlannedStep[] {
  return [
    plan(grant, { version }),
    plan(probe, { versions: [version] }),
    plan(route, { weights: { [version]: ALL }, instances: { [version]: "active" }, result: version, release: true }),
    plan(confirm, {}),
  ];
}
