import { sql } from "kysely";
import { type Backup, BackupNotFoundError, type Page, type RouteHandlers } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import { BackupUnusableError, verifyBackup } from "@aibos/tenant-data";
import type { ControlDatabase } from "../../db/control-database.ts";
import { type Cursor, pageOf, readCursor } from "../../db/cursor.ts";
import type { BackupFolder } from "./backup-folder.ts";
import { deleteBackup } from "./delete-backup.ts";
import { describeBackup, requireBackup } from "./stored-backup.ts";

type BackupApi = Pick<RouteHandlers, "listBackups" | "getBackup" | "verifyBackup" | "deleteBackup">;

/** Looking at backups, checking and deleting them. Writing and restoring them are operations. */
export function createBackupApi(options: {
  database: ControlDatabase;
  folder: BackupFolder;
  /** What backups are signed with. */
  key: string;
}): BackupApi {
  const { database, folder, key } = options;

  async function list(
    filter: { tenant?: TenantId | undefined; module?: ModuleId | undefined },
    { after, limit }: { after: Cursor | undefined; limit: number },
  ): Promise<Page<Backup>> {
    let query = database.db
      .selectFrom("backups")
      .selectAll()
      .select(sql<string>`created_at::text`.as("position"))
      .where("state", "<>", "deleted")
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1);
    if (filter.tenant !== undefined) query = query.where("tenant", "=", filter.tenant);
    if (filter.module !== undefined) query = query.where("module", "=", filter.module);
    if (after !== undefined)
      query = query.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]})`);
    const page = pageOf(await query.execute(), limit, (row) => [row.position, row.id]);
    return { items: page.items.map(describeBackup), nextCursor: page.nextCursor };
  }

  return {
    listBackups: ({ query: { cursor, limit, ...filter } }) => list(filter, { after: readCursor(cursor), limit }),

    getBackup: async ({ params }) => describeBackup(await requireBackup(database.db, params.backupId)),

    async verifyBackup({ params: { backupId: id } }) {
      const { file, sha256, tables, rows, bytes } = await requireBackup(database.db, id);
      if (!(await folder.has(file))) throw new BackupNotFoundError(id, { folder: folder.folder, file });
      const sound = (problem: string | null) => ({ id, isSound: problem === null, problem, tables, rows, bytes });
      try {
        const found = await verifyBackup(await folder.place(file), { key });
        return sound(found.sha256 === sha256 ? null : "It is a sound backup, but not the one that was written.");
      } catch (error) {
        if (!(error instanceof BackupUnusableError)) throw error;
        return sound(error.message);
      }
    },

    async deleteBackup({ params: { backupId } }) {
      const { tenant, module } = await requireBackup(database.db, backupId);
      const row = await deleteBackup({ database, folder }, { tenant, module }, backupId);
      return describeBackup(row);
    },
  };
}
