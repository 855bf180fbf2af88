import { type Kysely, sql } from "kysely";
import type { Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import type { TenantPlace } from "./customization-entries.ts";

/** Entries that hold again, and by which operation they had been superseded. */
export type Revived = readonly { readonly id: number; readonly by: string }[];

/**
 * Has a tenant's customisations of a version be what they were when a rollback point was taken, to the byte: what came
 * later is kept aside, and what was superseded since then holds again.
 */
export async function restoreCustomizations(
  db: Kysely<ControlTables>,
  { tenant, module }: TenantPlace,
  given: { version: Version; mark: number; takenAt: Date; migrationId: string },
): Promise<Revived> {
  const { version, mark, takenAt, migrationId } = given;
  const { rows } = await sql<{ id: number; by: string }>`
    with revived as (
      select c.id, c.superseded_by as by
      from customizations c join migration_records r on r.id = c.superseded_by
      where c.tenant = ${tenant} and c.module = ${module} and c.version = ${version}
        and c.id <= ${mark} and r.created_at > ${takenAt}
      for update of c
    )
    update customizations c set superseded_by = null from revived where revived.id = c.id
    returning c.id, revived.by
  `.execute(db);
  await db
    .updateTable("customizations")
    .set({ superseded_by: migrationId })
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("version", "=", version)
    .where("id", ">", mark)
    .where("superseded_by", "is", null)
    .execute();
  return rows;
}

/** Undoes {@link restoreCustomizations}. */
export async function unrestoreCustomizations(
  db: Kysely<ControlTables>,
  { migrationId, revived }: { migrationId: string; revived: Revived },
): Promise<void> {
  await db
    .updateTable("customizations")
    .set({ superseded_by: null })
    .where("superseded_by", "=", migrationId)
    .execute();
  for (const { id, by } of revived) {
    await db.updateTable("customizations").set({ superseded_by: by }).where("id", "=", id).execute();
  }
}
