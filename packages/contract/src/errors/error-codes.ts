/**
 * Every failure that a user can meet, by its stable code. Codes are never reused or renamed.
 * `docs/reference/errors.md` is compared with this table by a test.
 */
export const ERROR_CODES = {
  AIBOS_ALREADY_INSTALLED: "The tenant already uses this module; migrate it instead.",
  AIBOS_ALREADY_ON_VERSION: "The tenant runs this version already.",
  AIBOS_ARCHIVE_INVALID: "A module's archive holds something that is not allowed, or is damaged.",
  AIBOS_BUILD_FAILED: "The module's build command failed.",
  AIBOS_CONFIG_INVALID: "A setting from the environment or an option is not usable.",
  AIBOS_CONNECTION_REFUSED: "No AI-BOS server answers at the address.",
  AIBOS_DATA_FOLDER_IN_USE: "Another run uses this data folder.",
  AIBOS_DATA_LOSS_NOT_ACCEPTED: "Going back would lose writes, and nobody said yes to that.",
  AIBOS_DATA_NOT_REVERSIBLE: "A release's changes to the data can't be taken back with every write kept.",
  AIBOS_COPY_UNSUPPORTED: "A tenant's schema has an object of a kind that is not copied.",
  AIBOS_DATABASE_AWAY: "The control plane's database does not answer at the moment.",
  AIBOS_DATABASE_UNUSABLE: "The control plane's database can't be reached, is too old, or lacks rights.",
  AIBOS_DEPENDENCY_UNMET: "Another module of the tenant is missing or at a version that does not fit.",
  AIBOS_DEPLOYMENT_START_FAILED: "A module version's process did not become healthy.",
  AIBOS_EXTENSION_UNAVAILABLE: "A migration needs an extension of PostgreSQL that only the operator can bring.",
  AIBOS_HOLD_TIMEOUT: "Requests that were under way did not end in the time allowed.",
  AIBOS_INSTALL_FAILED: "The module's install command failed.",
  AIBOS_INTERNAL: "Something went wrong that is not your fault; the request id leads to the log.",
  AIBOS_INVALID_IDENTIFIER: "A tenant, module or version is not written as one must be.",
  AIBOS_INVALID_RANGE: "A range of versions can't be understood.",
  AIBOS_INVALID_REQUEST: "The request does not have the shape that the route takes.",
  AIBOS_INVALID_TRAFFIC_SPLIT: "The shares of traffic are not usable.",
  AIBOS_LOCAL_POSTGRES: "The embedded PostgreSQL can't run here.",
  AIBOS_MANIFEST_INVALID: "The module's manifest has problems.",
  AIBOS_MIGRATION_DRIFT: "A migration file of a published release was changed.",
  AIBOS_MIGRATION_FAILED: "A migration failed at one of its steps.",
  AIBOS_MIGRATION_FILE: "A module's migration files are not named or written as they must be.",
  AIBOS_MIGRATION_INTERRUPTED: "A migration file that is not one transaction was begun and not finished.",
  AIBOS_MIGRATION_NOT_FOUND: "There is no migration with this identifier.",
  AIBOS_MIGRATION_NOT_SCHEDULED: "The operation runs or has ended, so that it can't be cancelled.",
  AIBOS_MIGRATION_SQL: "A statement of a migration file failed.",
  AIBOS_OPERATION_INVALID: "An operation of a migration file does not fit the data.",
  AIBOS_CONVERSION_FAILED: "A row can't be brought to a new version.",
  AIBOS_BACKUP_NOT_RESTORABLE: "A backup is sound and does not fit where it shall be restored.",
  AIBOS_BACKUP_UNUSABLE: "A backup is truncated, altered, or not one that can be read.",
  AIBOS_CUSTOM_FIELD: "A custom field can't be declared so.",
  AIBOS_CUSTOM_FIELD_CONFLICT: "A release brings a column that the tenant has as a custom field.",
  AIBOS_LOCK_NOT_GRANTED: "Somebody's transaction kept a table for too long.",
  AIBOS_DATA_VERSION_NOT_LIVE: "A version of the data is not in the state that is needed.",
  AIBOS_MODULE_NOT_FOUND: "No version of this module was published.",
  AIBOS_MODULE_NOT_INSTALLED: "The tenant does not use this module.",
  AIBOS_NO_UPGRADE_PATH: "No allowed path leads from one version to the other.",
  AIBOS_OPERATION_IN_PROGRESS: "Another operation runs for this tenant and module.",
  AIBOS_PORT_TAKEN: "The port is used by another program.",
  AIBOS_RESTORE_BLOCKED: "Something outside the schema would stay with the data that is replaced.",
  AIBOS_ROLLBACK_POINT_NOT_FOUND: "There is no such rollback point, or it was used up.",
  AIBOS_ROLLBACK_UNAVAILABLE: "There is nothing to go back to.",
  AIBOS_ROUTE_NOT_FOUND: "The API has no such route.",
  AIBOS_SCHEMA_NEWER: "The control database was written by a newer AI-BOS Versions.",
  AIBOS_SIDE_BY_SIDE_ACTIVE: "The tenant runs several versions side by side, and the operation needs one.",
  AIBOS_SIDE_BY_SIDE_UNSUPPORTED: "The two versions can't serve the same data at the same time.",
  AIBOS_TENANT_EXISTS: "There already is a tenant with this identifier.",
  AIBOS_TENANT_NOT_FOUND: "There is no tenant with this identifier.",
  AIBOS_TENANT_UNHEALTHY: "A version's process does not serve a tenant's data as it should.",
  AIBOS_TOO_LARGE: "The request's body is larger than is allowed.",
  AIBOS_UNAUTHORIZED: "The bearer token is missing or wrong.",
  AIBOS_UPGRADE_NOT_VALID: "The target version can't be used for this tenant now.",
  AIBOS_VERSION_EXISTS: "This version was published with other content; versions never change.",
  AIBOS_VERSION_NOT_FOUND: "This version of the module was not published.",
  AIBOS_VERSION_NOT_LIVE: "The tenant has no live instance of this version.",
} as const;

/** A stable code of a failure. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Tells whether a text from outside is one of our codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
