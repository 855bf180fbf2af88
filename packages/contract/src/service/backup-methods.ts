import type { Migration } from "../api/models.ts";
import type { OperationInput } from "../api/operations.ts";
import type { RouteCaller } from "../api/routes.ts";
import type { BackupService } from "./backup-service.ts";

const none = { params: {}, query: {}, body: undefined };

/** The methods of {@link BackupService}, over the API's routes. */
export function backupMethods(
  call: RouteCaller,
  operations: {
    /** Starts an operation and waits for its end. */
    run(tenant: string, module: string, operation: OperationInput): Promise<Migration>;
    /** Waits for the end of one that was started. */
    settle(started: Migration): Promise<Migration>;
  },
): BackupService {
  return {
    createBackup: async (tenant, module, options = {}) => {
      const { result } = await operations.run(tenant, module, { kind: "backup", ...options });
      return call.getBackup({ ...none, params: { backupId: result.backupId ?? "" } });
    },
    listBackups: (filter = {}) => call.listBackups({ ...none, query: filter }),
    getBackup: (backupId) => call.getBackup({ ...none, params: { backupId } }),
    verifyBackup: (backupId) => call.verifyBackup({ ...none, params: { backupId } }),
    restoreFromBackup: async (backupId, options = {}) =>
      operations.settle(await call.restoreBackup({ ...none, params: { backupId }, body: options })),
    deleteBackup: (backupId) => call.deleteBackup({ ...none, params: { backupId } }),
    getRetentionPolicy: (tenant, module) => call.getRetentionPolicy({ ...none, params: { tenant, module } }),
    setRetentionPolicy: (tenant, module, policy) =>
      call.setRetentionPolicy({ ...none, params: { tenant, module }, body: { policy } }),
    getModuleRetentionPolicy: (module) => call.getModuleRetentionPolicy({ ...none, params: { module } }),
    setModuleRetentionPolicy: (module, policy) =>
      call.setModuleRetentionPolicy({ ...none, params: { module }, body: { policy } }),
    applyRetention: (tenant, module, options = {}) =>
      call.applyRetention({ ...none, params: { tenant, module }, body: options }),
  };
}
