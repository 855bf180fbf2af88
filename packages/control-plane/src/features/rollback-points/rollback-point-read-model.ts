import { type Kysely, sql } from "kysely";
import type { Page, RollbackPoint } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";

/** Rollback points, newest first. */
export async function listRollbackPoints(
  db: Kysely<ControlTables>,
  filter: { tenant?: TenantId | undefined; module?: ModuleId | undefined },
  { after, limit }: { after: Cursor | undefined; limit: number },
): Promise<Page<RollbackPoint>> {
  let query = db
    .selectFrom("rollback_points")
    .selectAll()
    .select(sql<string>`created_at::text`.as("position"))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1);
  if (filter.tenant !== undefined) query = query.where("tenant", "=", filter.tenant);
  if (filter.module !== undefined) query = query.where("module", "=", filter.module);
  if (after !== undefined)
    query = query.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]})`);
  const page = pageOf(await query.execute(), limit, (row) => [row.position, row.id]);
  return {
    items: page.items.map((row) => ({
      id: row.id,
      tenant: row.tenant,
      module: row.module,
      version: row.version,
      reason: row.reason,
      state: row.state,
      tables: row.tables,
      rows: row.rows,
      bytes: row.bytes,
      fingerprint: { structure: row.structure_fingerprint, data: row.data_fingerprint },
      createdAt: row.created_at.toISOString(),
    })),
    nextCursor: page.nextCursor,
  };
}
