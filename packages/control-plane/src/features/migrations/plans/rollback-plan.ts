import { DataLossNotAcceptedError, RollbackUnavailableError, VersionNotLiveError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import { newestRollbackPoint, newId, type StoredRollbackPoint } from "../../rollback-points/rollback-points.ts";
import { requireBackup } from "../../backups/stored-backup.ts";
import { countLostWrites, countWritesSinceBackup } from "../../rollback-points/counted-writes.ts";
import type { LiveInstance } from "../../instances/tenant-module-read-model.ts";
import type { RoutingState } from "../../routing/tenant-routing.ts";
import { hasNewFields } from "../../customizations/customization-entries.ts";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { countWrites } from "../steps/count-writes.ts";
import { deploy } from "../steps/deploy.ts";
import { drain } from "../steps/drain.ts";
import { grant } from "../steps/grant.ts";
import { hold } from "../steps/hold.ts";
import { probe } from "../steps/probe.ts";
import { restoreData } from "../steps/restore-data.ts";
import { rollBackData } from "../steps/roll-back-data.ts";
import { rollbackPoint } from "../steps/rollback-point.ts";
import { route } from "../steps/route.ts";
import { stageBackup } from "../steps/stage-backup.ts";
import { settleData } from "../steps/settle-data.ts";
import { undoData } from "../steps/undo-data.ts";
import { ALL, type Decision, type DecisionFacts } from "./decision.ts";
import { active, asked, draining, statesByWeight } from "./instance-states.ts";
import { dataVersionOf, onlyLiveVersion } from "./only-live-version.ts";
import { requireDependencies } from "./require-upgrade.ts";

/** Goes back: out of side by side with every write kept, or else to a rollback point. */
export async function planRollback(
  facts: DecisionFacts,
  request: { version?: Version | undefined; acceptDataLoss: boolean },
): Promise<Decision> {
  const { state, tx } = facts;
  if (state.live.length > 1) return planLeaveSideBySide(facts, request.version);
  const { tenant, module } = state;
  const current = onlyLiveVersion(state);
  const point = await newestRollbackPoint(
    tx.db,
    request.version === undefined
      ? { tenant, module, olderThan: current }
      : { tenant, module, version: request.version },
  );
  if (point === undefined) {
    const wanted = request.version === undefined ? "an earlier version" : request.version;
    throw new RollbackUnavailableError(
      tenant,
      module,
      `there is no rollback point of ${wanted}. See "aibos-versions rollback-point list -t ${tenant} -m ${module}".`,
    );
  }
  return planRestore(facts, point, request.acceptDataLoss);
}

/** Puts a rollback point's data in place of what is there, and its version in charge. */
export async function planRestore(
  facts: DecisionFacts,
  point: StoredRollbackPoint,
  acceptDataLoss: boolean,
): Promise<Decision> {
  const { tx, state } = facts;
  const lost = await countLostWrites(tx, point.id, state.schema);
  if (lost.length > 0 && !acceptDataLoss) {
    throw new DataLossNotAcceptedError(point, lost);
  }
  return planPutBack(facts, { id: point.id, version: point.version, dataVersion: point.dataVersion, acceptDataLoss });
}

/** The same from a backup, of which a rollback point is made first, while users go on. */
export async function planRestoreBackup(
  facts: DecisionFacts,
  backupId: string,
  acceptDataLoss: boolean,
): Promise<Decision> {
  const { tx, state, modules } = facts;
  const backup = await requireBackup(tx.db, backupId);
  const { version, data_version: dataVersion, created_at: createdAt } = backup;
  const lost = await countWritesSinceBackup(tx, backupId, state.schema);
  if (lost.length > 0 && !acceptDataLoss) {
    throw new DataLossNotAcceptedError({ id: backupId, version, createdAt, what: "backup" }, lost);
  }
  await modules.getVersion(state.module, version);
  const pointId = newId();
  const decision = await planPutBack(facts, { id: pointId, version, dataVersion, acceptDataLoss });
  return { ...decision, steps: [plan(stageBackup, { backupId, pointId, version, dataVersion }), ...decision.steps] };
}

/** Has a rollback point's data take the place of what is there, while requests are held. */
async function planPutBack(
  facts: DecisionFacts,
  point: { id: string; version: Version; dataVersion: Version; acceptDataLoss: boolean },
): Promise<Decision> {
  const { state } = facts;
  const { acceptDataLoss } = point;
  const versions = state.live.map((instance) => instance.version);
  const target = point.version;
  const serving = versions[0] ?? target;
  await requireDependencies(facts, target);
  return {
    fromVersion: serving,
    toVersion: target,
    path: serving === target ? [target] : [serving, target],
    steps: [
      plan(deploy, { version: target }),
      plan(hold, { reason: `going back to ${target}` }),
      plan(drain, { after: "hold", revoke: versions }),
      plan(countWrites, {}),
      plan(restoreData, {
        rollbackPointId: point.id,
        acceptDataLoss,
        version: serving,
        dataVersion: state.live[0]?.dataVersion ?? dataVersionOf(state),
        newestDataVersion: dataVersionOf(state),
      }),
      plan(settleData, { version: point.dataVersion }),
      plan(grant, { version: target }),
      ...serveAgain({ [target]: ALL }, active(target, point.dataVersion), target),
    ],
  };
}

/** Retires the versions newer than the one to stay, and takes their changes of the data back. */
async function planLeaveSideBySide(facts: DecisionFacts, version?: Version): Promise<Decision> {
  const { state } = facts;
  const { tenant, module, live } = state;
  const position = version === undefined ? 1 : live.findIndex((instance) => instance.version === version);
  const target = live[position];
  if (target === undefined) {
    throw new VersionNotLiveError(
      tenant,
      module,
      version ?? dataVersionOf(state),
      live.map((instance) => instance.version),
    );
  }
  if (position === 0) {
    throw new RollbackUnavailableError(tenant, module, `${target.version} is the newest version that runs already.`);
  }
  await requireDependencies(facts, target.version);
  const retiring = live.slice(0, position);
  const staying = live.slice(position);
  const data = dataVersionOf(state);
  const freed = retiring.reduce((sum, instance) => sum + instance.weight, 0);
  const weights = Object.fromEntries(
    staying.map((instance) => [instance.version, instance.weight + (instance === target ? freed : 0)]),
  );
  const parts = { target, retiring, staying, weights };
  return data === target.dataVersion ? planUndoShared(facts, parts) : planRollBackData(facts, parts);
}

interface Leaving {
  readonly target: LiveInstance;
  readonly retiring: readonly LiveInstance[];
  readonly staying: readonly LiveInstance[];
  /** Of those that stay. */
  readonly weights: Readonly<Record<string, number>>;
}

/** The versions that retire have data of their own: requests go back at once, and then the data follows. */
function planRollBackData({ state }: DecisionFacts, { target, retiring, staying, weights }: Leaving): Decision {
  const data = dataVersionOf(state);
  const newest = retiring[0]?.version ?? data;
  const end = { weights, instances: statesByWeight(staying, weights), result: target.version };
  return {
    fromVersion: newest,
    toVersion: target.version,
    path: [newest, target.version],
    steps: [
      plan(route, {
        weights: { ...weights, ...Object.fromEntries(retiring.map(({ version }) => [version, 0])) },
        instances: { ...end.instances, ...draining(retiring) },
        result: target.version,
        release: false,
      }),
      plan(drain, { after: "route", revoke: retiring.map(({ version }) => version) }),
      plan(rollbackPoint, {
        version: newest,
        dataVersion: retiring[0]?.dataVersion ?? data,
        reason: `before going back to ${target.version}`,
        served: true,
      }),
      plan(rollBackData, { from: data, to: target.dataVersion, ...end }),
      plan(confirm, { after: "roll-back-data" }),
    ],
  };
}

/** All use the same tables: they are taken back by their down files, while requests are held. */
async function planUndoShared(
  facts: DecisionFacts,
  { target, retiring, staying, weights }: Leaving,
): Promise<Decision> {
  const { tx, state, modules } = facts;
  const { tenant, module, live } = state;
  const data = dataVersionOf(state);
  const release = await modules.getVersion(module, target.version);
  const newer = (await modules.getVersion(module, data)).migrations.slice(release.migrations.length);
  const before = await newestRollbackPoint(tx.db, { tenant, module, dataVersion: target.version });
  // A column of the tenant's own that came since is no leftover of the release.
  const added = before !== undefined && (await hasNewFields(tx.db, { tenant, module }, before.customizationMark));
  const structure = added ? null : (before?.fingerprint.structure ?? null);
  const oneWay = newer.find(({ reversible, kind }) => !reversible || kind === "operations");
  if (oneWay !== undefined) {
    throw new RollbackUnavailableError(
      tenant,
      module,
      `${String(oneWay.number).padStart(3, "0")}_${oneWay.name} of ${data} has no down file, without which the writes since ` +
        `can't be kept. ` +
        (before === undefined
          ? `Complete ${data} instead: "aibos-versions complete-migration -t ${tenant} -m ${module} -v ${data}".`
          : `Restore the rollback point that was taken before: "aibos-versions rollback-point restore ${before.id}".`),
    );
  }
  return {
    fromVersion: retiring[0]?.version ?? data,
    toVersion: target.version,
    path: [retiring[0]?.version ?? data, target.version],
    steps: [
      plan(hold, { reason: `going back to ${target.version}` }),
      plan(drain, { after: "hold", revoke: live.map((instance) => instance.version) }),
      plan(countWrites, {}),
      plan(rollbackPoint, {
        version: retiring[0]?.version ?? data,
        dataVersion: data,
        reason: `before going back to ${target.version}`,
      }),
      plan(undoData, { from: data, to: target.version, structure }),
      ...staying.map((instance) => plan(grant, { version: instance.version })),
      ...serveAgain(weights, statesByWeight(staying, weights, target.version), target.version),
    ],
  };
}

function serveAgain(
  weights: Readonly<Record<string, number>>,
  instances: RoutingState["instances"],
  result: Version,
): PlannedStep[] {
  return [
    plan(probe, { versions: asked(instances) }),
    plan(route, { weights, instances, result, release: true }),
    plan(confirm, { after: "route" }),
  ];
}
