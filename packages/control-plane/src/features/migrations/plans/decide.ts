import { ModuleNotInstalledError, RollbackPointNotFoundError, VersionNotLiveError } from "@aibos/contract";
import type { OperationRequest } from "../../../db/control-tables.ts";
import { findRollbackPoint } from "../../rollback-points/rollback-points.ts";
import { plan } from "../migration-step.ts";
import { rollbackPoint } from "../steps/rollback-point.ts";
import { sweepTries, writeBackup } from "../steps/write-backup.ts";
import { planComplete } from "./complete-plan.ts";
import type { Decision, DecisionFacts } from "./decision.ts";
import { planInstall } from "./install-plan.ts";
import { planMigrate } from "./migrate-plan.ts";
import { planRehearse } from "./rehearse-plan.ts";
import { missingRehearsal } from "./require-rehearsal.ts";
import { planRestore, planRestoreBackup, planRollback } from "./rollback-plan.ts";
import { planSideBySide } from "./side-by-side-plan.ts";

/** Decides what an operation will do, or throws why it can't be done. `today` is an ISO date. */
export async function decide(facts: DecisionFacts, request: OperationRequest, today: string): Promise<Decision> {
  switch (request.kind) {
    case "install":
      return planInstall(facts, request.version, today);
    case "migrate": {
      const decision = await planMigrate(facts, request, today);
      const missing = await missingRehearsal(facts, moveOf(decision), request.requireRehearsal);
      if (missing !== undefined) throw missing;
      return decision;
    }
    case "rehearse":
      return planRehearse(facts, request.version, today);
    case "side-by-side":
      return planSideBySide(facts, request.version, today);
    case "complete":
      return planComplete(facts, request.version);
    case "rollback":
      return planRollback(facts, request);
    case "rollback-point": {
      const { tenant, module, live } = facts.state;
      const { version, reason } = request;
      const instance = live.find((one) => one.version === version);
      if (instance === undefined) {
        throw new VersionNotLiveError(
          tenant,
          module,
          version,
          live.map((one) => one.version),
        );
      }
      const step = plan(rollbackPoint, { version, dataVersion: instance.dataVersion, reason, served: true });
      return { fromVersion: version, toVersion: version, path: [version], steps: [step] };
    }
    case "backup": {
      const { tenant, module, live } = facts.state;
      const [instance] = live;
      if (instance === undefined) throw new ModuleNotInstalledError(tenant, module);
      const { version, dataVersion } = instance;
      const step = plan(writeBackup, { version, dataVersion, reason: request.reason });
      return { fromVersion: version, toVersion: version, path: [version], steps: [step, plan(sweepTries, {})] };
    }
    case "restore-backup":
      return planRestoreBackup(facts, request.backupId, request.acceptDataLoss);
    case "restore": {
      const point = await findRollbackPoint(facts.tx.db, request.rollbackPointId);
      if (point === undefined || point.state !== "available") {
        throw new RollbackPointNotFoundError(
          request.rollbackPointId,
          point === undefined ? "unknown" : point.state === "restored" ? "restored" : "dropped",
        );
      }
      return planRestore(facts, point, request.acceptDataLoss);
    }
  }
}

/** What a migration's plan would move. */
export function moveOf({ fromVersion, toVersion, path }: Decision): Parameters<typeof missingRehearsal>[1] {
  return { from: fromVersion ?? toVersion, to: toVersion, path };
}
