export { FolderInUseError } from "./folder-in-use-error.ts";
export { type FolderLock, lockFolder } from "./folder-lock.ts";
export { keepLocalPostgres } from "./keep-local-postgres.ts";
export { LocalPostgresError } from "./local-postgres-error.ts";
export {
  type LocalPostgres,
  type LocalPostgresOptions,
  startLocalPostgres,
  stopLocalPostgres,
} from "./local-postgres.ts";
export { PostgresPortTakenError } from "./port-taken-error.ts";
