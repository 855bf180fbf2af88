import type {
  Backup,
  BackupVerification,
  RetentionPolicyInput,
  RetentionResult,
  ShownRetentionPolicy,
} from "../api/backups.ts";
import type { Migration, Page } from "../api/models.ts";
import type { DataLossOptions, PageRequest } from "./page-request.ts";

/** What the platform can do with backups, and how long copies are kept: a part of `MultiVersionService`. */
export interface BackupService {
  /**
   * Writes a tenant's module, of one moment while users go on, to a file outside the database: its data, and what the
   * tenant customised, its values of flags and its decisions. Resolves when the file is whole and was read back.
   *
   * @throws AIBOS_OPERATION_IN_PROGRESS, AIBOS_MODULE_NOT_INSTALLED
   */
  createBackup(tenant: string, module: string, options?: { reason?: string }): Promise<Backup>;
  /** Newest first, without those that were deleted. */
  listBackups(filter?: PageRequest & { tenant?: string; module?: string }): Promise<Page<Backup>>;
  /** @throws AIBOS_BACKUP_NOT_FOUND */
  getBackup(backupId: string): Promise<Backup>;
  /** Reads every byte of the file. A backup that is not sound is an answer, not an error. */
  verifyBackup(backupId: string): Promise<BackupVerification>;
  /**
   * Puts the data and what else the backup holds in place, at the version that it was made at. What was there becomes a
   * rollback point.
   *
   * @throws AIBOS_DATA_LOSS_NOT_ACCEPTED with the writes since, counted; AIBOS_BACKUP_NOT_FOUND
   */
  restoreFromBackup(backupId: string, options?: DataLossOptions): Promise<Migration>;
  /** @throws AIBOS_BACKUP_IN_USE while an operation restores it */
  deleteBackup(backupId: string): Promise<Backup>;
  getRetentionPolicy(tenant: string, module: string): Promise<ShownRetentionPolicy>;
  /** Null: as all tenants of the module. */
  setRetentionPolicy(
    tenant: string,
    module: string,
    policy: RetentionPolicyInput | null,
  ): Promise<ShownRetentionPolicy>;
  getModuleRetentionPolicy(module: string): Promise<ShownRetentionPolicy>;
  /** Of tenants that have none of their own. Null: the default. */
  setModuleRetentionPolicy(module: string, policy: RetentionPolicyInput | null): Promise<ShownRetentionPolicy>;
  /**
   * Drops the rollback points and backups that the policy does not keep, and tells which. It is done by itself after each
   * operation and every hour; never to what an operation that has not ended needs.
   */
  applyRetention(tenant: string, module: string, options?: { dryRun?: boolean }): Promise<RetentionResult>;
}
