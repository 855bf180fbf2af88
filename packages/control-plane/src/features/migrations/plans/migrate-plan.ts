import { DataNotReversibleError } from "../data-not-reversible-error.ts";
import { AlreadyOnVersionError, RollbackUnavailableError, SoakUnsupportedError } from "@aibos/contract";
import { compareVersions, type Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { newestRollbackPoint } from "../../rollback-points/rollback-points.ts";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { contract } from "../steps/contract.ts";
import { countWrites } from "../steps/count-writes.ts";
import { deploy } from "../steps/deploy.ts";
import { drain } from "../steps/drain.ts";
import { grant } from "../steps/grant.ts";
import { hold } from "../steps/hold.ts";
import { hop } from "../steps/hop.ts";
import { observe } from "../steps/observe.ts";
import { probe } from "../steps/probe.ts";
import { rollbackPoint } from "../steps/rollback-point.ts";
import { route } from "../steps/route.ts";
import { validate } from "../steps/validate.ts";
import { carryAlong } from "./carry-along.ts";
import { ALL, type Decision, type DecisionFacts } from "./decision.ts";
import { active, asked, draining, statesByWeight } from "./instance-states.ts";
import { expandAlong, firstExclusive } from "./live-hops.ts";
import { dataVersionOf, onlyLiveVersion } from "./only-live-version.ts";
import { fieldsAt, mergeAlong, type MergesAlong } from "./merge-along.ts";
import { requireUpgrade } from "./require-upgrade.ts";

interface MigrateRequest {
  readonly version: Version;
  /** Not there in operations that an older program scheduled: true. */
  readonly preserveCustomizations?: boolean;
  readonly rollbackVersion?: Version | undefined;
  readonly observe: number;
  readonly soak: number;
}

/**
 * Moves a tenant along a path of releases. Where older and newer versions can use the data together all the way, nobody
 * notices; else requests are held while the data is changed.
 */
export async function planMigrate(facts: DecisionFacts, request: MigrateRequest, today: string): Promise<Decision> {
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
  const point = { version: from, dataVersion: dataVersionOf(state), reason: `before ${from} → ${to}` };
  if (compareVersions(to, point.dataVersion) < 0) {
    throw new DataNotReversibleError(
      module,
      point.dataVersion,
      to,
      `${from} uses the tables of ${point.dataVersion}; move to that or a newer one, or restore a rollback point of before.`,
    );
  }
  const dataPath = [point.dataVersion, ...path.filter((version) => compareVersions(version, point.dataVersion) > 0)];
  const merges = await mergeAlong(facts, path, request.preserveCustomizations !== false);
  const carried = await carryAlong(facts, { from, to, path });
  const exclusive = await firstExclusive(facts.modules, module, dataPath);
  if (exclusive === undefined) {
    return {
      fromVersion: from,
      toVersion: to,
      path,
      steps: liveSteps(facts, { path: dataPath, to, point, merges, carried, ...request }),
    };
  }
  if (request.soak > 0) throw new SoakUnsupportedError(module, from, exclusive);
  return {
    fromVersion: from,
    toVersion: to,
    path,
    steps: [
      plan(validate, { versions: dataPath.slice(1) }),
      plan(deploy, { version: to }),
      plan(hold, { reason: `moving to ${to}` }),
      plan(drain, { after: "hold", revoke: [from] }),
      plan(countWrites, {}),
      plan(rollbackPoint, point),
      ...hopsAlong(dataPath, merges),
      ...carried,
      ...arriveAt(to),
      ...watch({ to, from, seconds: request.observe }),
    ],
  };
}

/**
 * The new version's data comes up beside the old one's, requests go over, and then what only the old one needs goes: at
 * once, or, after a soak, by an operation of its own.
 */
function liveSteps(
  { state: { live } }: DecisionFacts,
  {
    path,
    to,
    point,
    observe: seconds,
    soak,
    merges,
    carried,
  }: {
    path: readonly Version[];
    to: Version;
    merges: MergesAlong;
    point: { version: Version; dataVersion: Version; reason: string };
    observe: number;
    soak: number;
    carried: readonly PlannedStep[];
  },
): PlannedStep[] {
  const from = point.version;
  const instances = active(to, to);
  const weights = { [to]: ALL, [from]: 0 };
  const stays = soak > 0;
  const before = stays ? statesByWeight(live, weights) : draining(live);
  return [
    plan(validate, { versions: path.slice(1) }),
    plan(deploy, { version: to }),
    plan(rollbackPoint, { ...point, served: true }),
    ...expandAlong(path, merges.fields),
    ...merges.steps,
    ...carried,
    plan(grant, { version: to }),
    plan(probe, { versions: asked(instances) }),
    plan(route, { weights, instances: { ...instances, ...before }, result: to, release: false }),
    ...(stays || seconds > 0 ? [plan(confirm, { after: "route" })] : []),
    ...watch({ to, from, seconds }),
    ...(stays
      ? []
      : [
          plan(drain, { after: "route", revoke: [from] }),
          plan(contract, { version: to, weights: { [to]: ALL }, instances, result: to }),
          plan(confirm, { after: "contract" }),
        ]),
  ];
}

function watch({ to, from, seconds }: { to: Version; from: Version; seconds: number }): PlannedStep[] {
  return seconds > 0 ? [plan(observe, { version: to, dataVersion: to, before: from, seconds })] : [];
}

/**
 * One hop for each release after the first, each after its merges: who ends at a release half way has what was customised
 * there too.
 */
export function hopsAlong(path: readonly Version[], { steps, fields }: MergesAlong): PlannedStep[] {
  const left = [...steps];
  const hops = path.slice(1).flatMap((to, index) => {
    const until = left.findLastIndex((step) => compareVersions(step.with["to"] as Version, to) <= 0) + 1;
    return [...left.splice(0, until), plan(hop, { from: path[index] ?? null, to, ...fieldsAt(fields, to) })];
  });
  return [...hops, ...left];
}

/** Has one version serve alone, and ends the hold. */
export function arriveAt(version: Version): PlannedStep[] {
  return [
    plan(grant, { version }),
    plan(probe, { versions: [{ version, dataVersion: version }] }),
    plan(route, {
      weights: { [version]: ALL },
      instances: active(version, version),
      result: version,
      release: true,
    }),
    plan(confirm, { after: "route" }),
  ];
}
