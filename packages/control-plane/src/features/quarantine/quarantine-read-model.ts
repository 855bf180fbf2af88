import { type Kysely, sql } from "kysely";
import type { Page, QuarantinedVersion } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";

/** Why nobody is to be moved to a version; undefined when it is in no quarantine. */
export async function findQuarantine(
  db: Kysely<ControlTables>,
  module: ModuleId,
  version: Version,
): Promise<QuarantinedVersion | undefined> {
  const row = await db
    .selectFrom("quarantined_versions")
    .selectAll()
    .where("module", "=", module)
    .where("version", "=", version)
    .where("released_at", "is", null)
    .executeTakeFirst();
  return row === undefined ? undefined : describe(row);
}

/** Those that were not released, newest first. */
export async function listQuarantined(
  db: Kysely<ControlTables>,
  { module }: { module?: ModuleId | undefined },
  page: { after: Cursor | undefined; limit: number },
): Promise<Page<QuarantinedVersion>> {
  let query = db
    .selectFrom("quarantined_versions")
    .selectAll()
    .select(sql<string>`since::text`.as("position"))
    .where("released_at", "is", null)
    .orderBy("since", "desc")
    .orderBy("module")
    .orderBy("version")
    .limit(page.limit + 1);
  if (module !== undefined) query = query.where("module", "=", module);
  if (page.after !== undefined) {
    const [since, afterModule, afterVersion] = page.after;
    query = query.where(
      sql<boolean>`since < ${since}::timestamptz
        or (since = ${since}::timestamptz and (module, version) > (${afterModule}, ${afterVersion}))`,
    );
  }
  const found = pageOf(await query.execute(), page.limit, (row) => [row.position, row.module, row.version]);
  return { items: found.items.map(describe), nextCursor: found.nextCursor };
}

function describe(row: {
  module: string;
  version: string;
  reason: string;
  fleet_upgrade_id: string;
  since: Date;
}): QuarantinedVersion {
  const { module, version, reason, fleet_upgrade_id: fleetUpgradeId, since } = row;
  return { module, version, reason, fleetUpgradeId, since: since.toISOString() };
}
