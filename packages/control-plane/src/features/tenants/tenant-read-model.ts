import { type Kysely, type Selectable, sql } from "kysely";
import { type Page, type Tenant, TenantNotFoundError } from "@aibos/contract";
import type { TenantId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";

/** @throws TenantNotFoundError */
export async function getTenant(db: Kysely<ControlTables>, tenant: TenantId): Promise<Tenant> {
  const row = await db.selectFrom("tenants").selectAll().where("id", "=", tenant).executeTakeFirst();
  if (row === undefined) throw new TenantNotFoundError(tenant);
  return describeTenant(row);
}

/** A page of the tenants, by identifier. `label` is written `key=value`; a value may hold "=" itself. */
export async function listTenants(
  db: Kysely<ControlTables>,
  { label }: { label: string | undefined },
  { after, limit }: { after: Cursor | undefined; limit: number },
): Promise<Page<Tenant>> {
  let query = db
    .selectFrom("tenants")
    .selectAll()
    .orderBy("id")
    .limit(limit + 1);
  if (label !== undefined) query = query.where(sql<boolean>`labels @> ${JSON.stringify(wantedLabel(label))}::jsonb`);
  if (after !== undefined) query = query.where(sql<boolean>`id > ${after[0]}`);
  const page = pageOf(await query.execute(), limit, (row) => [row.id]);
  return { items: page.items.map(describeTenant), nextCursor: page.nextCursor };
}

export function describeTenant(row: Selectable<ControlTables["tenants"]>): Tenant {
  const { data_store: dataStore, created_at: createdAt, ...tenant } = row;
  return { ...tenant, dataStore, createdAt: createdAt.toISOString() };
}

function wantedLabel(label: string): Record<string, string> {
  const end = label.indexOf("=");
  return { [label.slice(0, end)]: label.slice(end + 1) };
}
