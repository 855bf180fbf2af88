import { BackupInUseError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { type BackupFolder, backupFileStart } from "./backup-folder.ts";
import { requireBackup, type StoredBackup } from "./stored-backup.ts";

interface Parts {
  readonly database: ControlDatabase;
  readonly folder: BackupFolder;
}

/**
 * Deletes a backup: first it can't be used any more, then its file goes, then that is entered. Repeatable from any instant.
 *
 * @throws BackupNotFoundError, BackupInUseError
 */
export async function deleteBackup(
  parts: Parts,
  pair: { tenant: TenantId; module: ModuleId },
  id: string,
): Promise<StoredBackup> {
  await parts.database.transaction(async (tx) => {
    await requireBackup(tx.db, id);
    await markDeleting(tx, pair, id);
  });
  return finishDeletion(parts, id);
}

/** Keeps a backup from being used from the commit on. @throws BackupInUseError */
export async function markDeleting(
  tx: ControlTransaction,
  { tenant, module }: { tenant: TenantId; module: ModuleId },
  id: string,
): Promise<void> {
  // Whoever enters an operation for the pair waits for the same row.
  await tx.db
    .selectFrom("tenant_modules")
    .select("tenant")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .forUpdate()
    .execute();
  const user = await restoringOperation(tx, id);
  if (user !== undefined) throw new BackupInUseError(id, user);
  await tx.db.updateTable("backups").set({ state: "deleting" }).where("id", "=", id).execute();
}

/** The operation that has not ended and restores a backup. */
export async function restoringOperation({ db }: ControlTransaction, backupId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("migration_records")
    .select("id")
    .where("kind", "=", "restore-backup")
    .where("finished_at", "is", null)
    .where((eb) => eb(eb.ref("request", "->>").key("backupId"), "=", backupId))
    .executeTakeFirst();
  return row?.id;
}

/** Removes the file of a backup that is being deleted. */
export async function finishDeletion({ database, folder }: Parts, id: string): Promise<StoredBackup> {
  const {
    tenant,
    module,
    migration_id: migrationId,
  } = await database.db
    .selectFrom("backups")
    .select(["tenant", "module", "migration_id"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  await folder.removeBeginning(backupFileStart({ tenant, module, migrationId }));
  return database.db
    .updateTable("backups")
    .set({ state: "deleted" })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
