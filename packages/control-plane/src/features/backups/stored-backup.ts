import type { Kysely, Selectable } from "kysely";
import { type Backup, BackupNotFoundError } from "@aibos/contract";
import type { ControlTables } from "../../db/control-tables.ts";

export type StoredBackup = Selectable<ControlTables["backups"]>;

/** One that was not deleted. @throws BackupNotFoundError */
export async function requireBackup(db: Kysely<ControlTables>, id: string): Promise<StoredBackup> {
  const row = await db.selectFrom("backups").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new BackupNotFoundError(id, "unknown");
  if (row.state !== "available") throw new BackupNotFoundError(id, "deleted");
  return row;
}

export function describeBackup(row: StoredBackup): Backup {
  const { id, tenant, module, version, reason, state, file, tables, rows, bytes, sha256 } = row;
  return {
    id,
    tenant,
    module,
    version,
    reason,
    state,
    file,
    tables,
    rows,
    bytes,
    sha256,
    fingerprint: { structure: row.structure_fingerprint, data: row.data_fingerprint },
    createdAt: row.created_at.toISOString(),
  };
}
