import {
  CustomizationConflictError,
  OperationInProgressError,
  type RouteHandlers,
  RollbackPointNotFoundError,
  type Problem,
} from "@aibos/contract";
import { DomainError } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { OperationRequest } from "../../db/control-tables.ts";
import { readCursor } from "../../db/cursor.ts";
import { noteConflicts } from "../customizations/open-conflicts.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { findRollbackPoint } from "../rollback-points/rollback-points.ts";
import { listRollbackPoints } from "../rollback-points/rollback-point-read-model.ts";
import type { MigrationReadModel } from "./migration-read-model.ts";
import type { MigrationWorkflow } from "./migration-workflow.ts";
import type { StepPlatform } from "./migration-step.ts";
import type { OperationControls } from "./operation-controls.ts";
import type { OperationStore } from "./operation-store.ts";
import { assessHops } from "./plans/assess-hops.ts";
import { checkUpgrade } from "./plans/check-upgrade.ts";
import { liveDataPath } from "./plans/live-hops.ts";
import { requireIdle } from "./running-operation.ts";
import { decide } from "./plans/decide.ts";
import { validateLiveData } from "./validate-live-data.ts";

type MigrationApi = Pick<
  RouteHandlers,
  | "startOperation"
  | "validateMigration"
  | "listMigrations"
  | "getMigration"
  | "cancelMigration"
  | "pauseMigration"
  | "resumeMigration"
  | "retryMigration"
  | "listRollbackPoints"
  | "restoreRollbackPoint"
>;

/** Starting operations and looking at them. */
export function createMigrationApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  store: OperationStore;
  controls: OperationControls;
  workflow: MigrationWorkflow;
  migrations: MigrationReadModel;
  /** Where tenants' data is. */
  data: StepPlatform["data"];
  now: () => number;
}): MigrationApi {
  const { database, modules, store, controls, workflow, migrations, data, now } = options;

  async function start(...operation: Parameters<OperationStore["begin"]>) {
    const id = await store.begin(...operation).catch(async (error: unknown) => {
      const [tenant, module] = operation;
      if (error instanceof CustomizationConflictError) await noteConflicts(database.db, { tenant, module }, error.path);
      throw error;
    });
    await workflow.start(id);
    return migrations.get(id);
  }

  return {
    startOperation: ({ params, body }) => start(params.tenant, params.module, body),

    async restoreRollbackPoint({ params: { rollbackPointId }, body: { acceptDataLoss } }) {
      const point = await findRollbackPoint(database.db, rollbackPointId);
      if (point === undefined) throw new RollbackPointNotFoundError(rollbackPointId, "unknown");
      return start(point.tenant, point.module, { kind: "restore", rollbackPointId, acceptDataLoss });
    },

    async validateMigration({ params: { tenant, module }, body: { version } }) {
      const { place, dataPath, ...found } = await database.transaction(async (tx) => {
        const state = await readTenantModule(tx.db, tenant, module);
        const facts = { tx, state, modules };
        const request: OperationRequest = {
          kind: "migrate",
          version,
          preserveCustomizations: true,
          rollbackOnFailure: true,
          observe: 0,
          soak: 0,
          acceptDataLoss: false,
        };
        const today = new Date(now()).toISOString().slice(0, 10);
        const from = state.live[0]?.version ?? null;
        const check = await checkUpgrade(facts, from, version, today);
        try {
          await requireIdle(tx.db, { tenant, module });
          const { path, steps } = await decide(facts, request, today);
          return {
            isValid: true,
            errors: [],
            warnings: [...check.warnings, ...(await assessHops(modules, module, path))],
            path: [...path],
            steps: steps.map((step) => step.title),
            holdsRequests: steps.some((step) => step.name === "hold"),
            place: { tenant, module, schema: state.schema, role: state.role },
            dataPath: liveDataPath(steps),
          };
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
          const found =
            check.errors.length > 0 && !(error instanceof OperationInProgressError) ? check.errors : [error];
          if (error instanceof CustomizationConflictError) await noteConflicts(tx.db, { tenant, module }, error.path);
          const errors = found.flatMap(problemsOf);
          return { isValid: false, errors, warnings: [...check.warnings], path: [], steps: [], holdsRequests: false };
        }
      });
      if (place === undefined) return found;
      const problems = await validateLiveData({ database, modules, data }, place, dataPath);
      const errors = problems.filter(({ severity }) => severity === "error");
      const warnings = problems.filter(({ severity }) => severity === "warning");
      return { ...found, isValid: errors.length === 0, errors, warnings: [...found.warnings, ...warnings] };
    },

    listMigrations: ({ query: { cursor, limit, ...filter } }) =>
      migrations.list(filter, { after: readCursor(cursor), limit }),

    async cancelMigration({ params: { migrationId } }) {
      await controls.cancel(migrationId);
      return migrations.get(migrationId);
    },

    async pauseMigration({ params: { migrationId } }) {
      await controls.pause(migrationId);
      return migrations.get(migrationId);
    },

    async resumeMigration({ params: { migrationId } }) {
      await controls.resume(migrationId);
      return migrations.get(migrationId);
    },

    async retryMigration({ params: { migrationId } }) {
      const { status } = await migrations.get(migrationId);
      if (status === "paused") {
        await controls.resume(migrationId);
        return migrations.get(migrationId);
      }
      const id = await store.again(migrationId);
      await workflow.start(id);
      return migrations.get(id);
    },

    getMigration: ({ params }) => migrations.get(params.migrationId),

    listRollbackPoints: ({ query: { cursor, limit, ...filter } }) =>
      listRollbackPoints(database.db, filter, { after: readCursor(cursor), limit }),
  };
}

/** One problem a failure; of conflicts one each. */
function problemsOf(error: DomainError): Problem[] {
  const { code, message } = error;
  if (!(error instanceof CustomizationConflictError)) return [{ code, message, severity: "error" }];
  return error.conflicts.map(({ name, path, kind }) => ({
    code,
    severity: "error",
    message: `Customisation "${name}"${path === "" ? "" : ` at ${path}`} conflicts (${kind}). ${message.slice(message.lastIndexOf("Decide with"))}`,
  }));
}
