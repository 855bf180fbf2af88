import { CustomizationConflictError, type RouteHandlers, RollbackPointNotFoundError } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import { requireBackup } from "../backups/stored-backup.ts";
import { noteConflicts } from "../customizations/open-conflicts.ts";
import { findRollbackPoint } from "../rollback-points/rollback-points.ts";
import { listRollbackPoints } from "../rollback-points/rollback-point-read-model.ts";
import type { MigrationLog } from "./migration-log.ts";
import type { MigrationReadModel } from "./migration-read-model.ts";
import type { MigrationWorkflow } from "./migration-workflow.ts";
import type { OperationControls } from "./operation-controls.ts";
import type { OperationStore } from "./operation-store.ts";
import type { MigrationValidator } from "./validation/migration-validator.ts";

type MigrationApi = Pick<
  RouteHandlers,
  | "startOperation"
  | "validateMigration"
  | "listMigrations"
  | "getMigration"
  | "getMigrationLog"
  | "cancelMigration"
  | "pauseMigration"
  | "resumeMigration"
  | "retryMigration"
  | "listRollbackPoints"
  | "restoreRollbackPoint"
  | "restoreBackup"
>;

/** Starting operations and looking at them. */
export function createMigrationApi(options: {
  database: ControlDatabase;
  validate: MigrationValidator;
  store: OperationStore;
  controls: OperationControls;
  workflow: MigrationWorkflow;
  migrations: MigrationReadModel;
  log: MigrationLog;
}): MigrationApi {
  const { database, validate, store, controls, workflow, migrations, log } = options;

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

    async restoreBackup({ params: { backupId }, body: { acceptDataLoss } }) {
      const { tenant, module } = await requireBackup(database.db, backupId);
      return start(tenant, module, { kind: "restore-backup", backupId, acceptDataLoss });
    },

    validateMigration: ({ params: { tenant, module }, body: { version, ...options } }) =>
      validate(tenant, module, version, options),

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

    getMigrationLog: async ({ params, query }) => ({ lines: await log.read(params.migrationId, query) }),

    listRollbackPoints: ({ query: { cursor, limit, ...filter } }) =>
      listRollbackPoints(database.db, filter, { after: readCursor(cursor), limit }),
  };
}
