export { quoteIdentifier, quoteLiteral } from "./quote-identifier.ts";
export { createTenantRole, dropTenantSchema, provisionTenantSchema, type TenantPlace } from "./roles/tenant-schema.ts";
export { allowTenantLogin, denyTenantLogin, endTenantSessions, type Queryable } from "./roles/tenant-login.ts";
export {
  connectAsTenant,
  type TenantSession,
  type TenantSessionOptions,
  withTenantSession,
} from "./roles/tenant-session.ts";
export { type HeldLock, type SessionWatcher, type WatchedStatement, watchSession } from "./roles/watch-session.ts";
export { tenantSearchPath } from "./roles/tenant-search-path.ts";
export { createVersionRole, grantTenant, revokeTenant } from "./roles/version-role.ts";
export { parseSqlMigrations, type SqlFile, type SqlMigration } from "./sql-migrations/sql-migration.ts";
export {
  type HistoryEntry,
  historyOf,
  type Migration,
  type OperationMigration,
  releaseFiles,
} from "./migrations/migration.ts";
export { isMigrationFile, parseMigrations } from "./migrations/parse-migrations.ts";
export { readMigrations } from "./migrations/read-migrations.ts";
export { type AppliedMigrations, applyMigrations } from "./migrations/apply-migrations.ts";
export { readHistory } from "./migrations/read-history.ts";
export { checkMigrations } from "./migrations/check-migrations.ts";
export { applySqlMigrations, type MigrationResult, undoSqlMigrations } from "./sql-migrations/apply-sql-migrations.ts";
export { type AppliedMigration, assertSameHistory, readAppliedMigrations } from "./migrations/applied-migrations.ts";
export { MigrationDriftError } from "./migrations/migration-drift-error.ts";
export { MigrationFileError } from "./sql-migrations/migration-file-error.ts";
export { MigrationInterruptedError } from "./sql-migrations/migration-interrupted-error.ts";
export { ExtensionUnavailableError } from "./extensions/extension-unavailable-error.ts";
export { MigrationSqlError } from "./sql-migrations/migration-sql-error.ts";
export { assessStatements } from "./statement-risk/assess-statements.ts";
export {
  type Answer,
  type Finding,
  type FindingCode,
  LOCK_LEVELS,
  type LockLevel,
  type StatementRisk,
  strongest,
  type TableEffect,
} from "./statement-risk/statement-risk.ts";
export { type CopySize, createSchemaCopy, dropSchemaCopy } from "./schema-copy/create-schema-copy.ts";
export { giveSchema } from "./schema-copy/give-schema.ts";
export { CopyUnsupportedError } from "./schema-copy/copy-unsupported-error.ts";
export { RestoreBlockedError } from "./schema-copy/restore-blocked-error.ts";
export { restoreSchemaCopy } from "./schema-copy/restore-schema-copy.ts";
export { fingerprintSchema, type SchemaFingerprint } from "./fingerprint/fingerprint-schema.ts";
export { compareStructures, describeDifference } from "./fingerprint/describe-difference.ts";
export { addWrites, type CountedWrites, countWritesSince } from "./writes/count-writes.ts";
export {
  addRowChange,
  continueBaseline,
  moveBaseline,
  takeWriteBaseline,
  withoutFilled,
  type WriteBaseline,
} from "./writes/write-baseline.ts";
export { readUserTables } from "./writes/user-tables.ts";
export type { RowChange } from "./live/row-change.ts";
export { type BackupRequest, writeBackup, type WrittenBackup } from "./backup/write-backup.ts";
export { readBackupManifest, type VerifiedBackup, verifyBackup } from "./backup/verify-backup.ts";
export { restoreBackup, type RestoredBackup, type RestoreRequest } from "./backup/restore-backup.ts";
export type { BackupCompression, BackupManifest, BackupMetadata } from "./backup/backup-manifest.ts";
export { BackupNotRestorableError } from "./backup/backup-not-restorable-error.ts";
export { type BackupProblem, BackupUnusableError } from "./backup/backup-unusable-error.ts";
export { DERIVED_PREFIXES } from "./live-objects.ts";
export {
  type CustomField,
  declareCustomField,
  dropCustomField,
  listCustomFields,
} from "./custom-fields/custom-fields.ts";
export { readTableChanges } from "./custom-fields/read-table-changes.ts";
export type { CustomFieldChoices } from "./operations/start-context.ts";
export { CustomFieldError } from "./custom-fields/custom-field-error.ts";
export { CustomFieldConflictError } from "./custom-fields/custom-field-conflict-error.ts";
export type { BackfillPace, BackfillProgress } from "./live/backfill.ts";
export { ConversionFailedError } from "./live/conversion-failed-error.ts";
export type { DiscardedValues } from "./live/count-discarded.ts";
export {
  type LiveSchema,
  type LiveSchemaOptions,
  type LiveVersionStatus,
  openLiveSchema,
  type Release,
  type RowChanges,
} from "./live/live-schema.ts";
export type {
  FindingSeverity,
  ReleaseFinding,
  ReleaseFindingCode,
  ReleaseValidation,
  TableWork,
  ValidationBudget,
} from "./live/validation/release-validation.ts";
export { readLiveVersionNames } from "./live/live-store.ts";
export { LockNotGrantedError } from "./live/lock-retry.ts";
export { DataVersionNotLiveError } from "./live/data-version-not-live-error.ts";
export { takeLiveVersionsDown } from "./live/rebuild-live-versions.ts";
export { openTenantLiveSchema } from "./live/tenant-live-schema.ts";
export { viewSchemaName } from "./live/version-views.ts";
export { OperationInvalidError } from "./operations/operation-invalid-error.ts";
export { type OperationFile, parseOperations } from "./operations/parse-operations.ts";
