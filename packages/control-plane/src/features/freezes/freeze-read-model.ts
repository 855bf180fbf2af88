import { type Kysely, type Selectable, sql } from "kysely";
import type { Freeze as ShownFreeze, Page } from "@aibos/contract";
import type { Freeze, ModuleId, TenantId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import { policyOf, readPolicy } from "../fleet-upgrades/upgrade-policy-read-model.ts";

type Db = Kysely<ControlTables>;

/** A freeze, and what it is of, for messages. */
export interface NamedFreeze extends Freeze {
  /** Null of one that is in the tenant's upgrade policy. */
  readonly id: string | null;
}

/** What freezes a tenant's module from a moment on: freezes that were declared, and those of the tenant's policy. */
export async function readFreezes(
  db: Db,
  { tenant, module }: { tenant: TenantId; module: ModuleId },
  from: number,
): Promise<NamedFreeze[]> {
  const own = policyOf(await readPolicy(db, tenant, module)).freezes.filter((one) => one.to > from);
  return [...(await readDeclared(db, { tenant, module }, from)), ...own.map((one) => ({ ...one, id: null }))];
}

/** Those alone that were declared; without a tenant those of all tenants at once, each with its own. */
export async function readDeclared(
  db: Db,
  { tenant, module }: { tenant?: TenantId; module: ModuleId },
  from: number,
): Promise<(NamedFreeze & { readonly id: string; readonly tenant: TenantId | null })[]> {
  let query = db
    .selectFrom("freezes")
    .selectAll()
    .where("removed_at", "is", null)
    .where("ends_at", ">", new Date(from))
    .where((eb) => eb.or([eb("module", "is", null), eb("module", "=", module)]));
  if (tenant !== undefined) query = query.where((eb) => eb.or([eb("tenant", "is", null), eb("tenant", "=", tenant)]));
  const rows = await query.execute();
  return rows.map((row) => ({
    id: row.id,
    tenant: row.tenant,
    from: row.starts_at.getTime(),
    to: row.ends_at.getTime(),
    reason: row.reason,
  }));
}

/** By their end; those that are on or to come unless all are wanted. */
export async function listFreezes(
  db: Db,
  filter: { tenant?: TenantId | undefined; module?: ModuleId | undefined; all: boolean },
  page: { after: Cursor | undefined; limit: number; now: number },
): Promise<Page<ShownFreeze>> {
  let query = db
    .selectFrom("freezes")
    .selectAll()
    .select(sql<string>`ends_at::text`.as("position"))
    .orderBy("ends_at")
    .orderBy("id")
    .limit(page.limit + 1);
  const { tenant, module, all } = filter;
  if (tenant !== undefined) query = query.where((eb) => eb.or([eb("tenant", "is", null), eb("tenant", "=", tenant)]));
  if (module !== undefined) query = query.where((eb) => eb.or([eb("module", "is", null), eb("module", "=", module)]));
  if (!all) query = query.where("removed_at", "is", null).where("ends_at", ">", new Date(page.now));
  if (page.after !== undefined) {
    query = query.where(sql<boolean>`(ends_at, id) > (${page.after[0]}::timestamptz, ${page.after[1]})`);
  }
  const found = pageOf(await query.execute(), page.limit, (row) => [row.position, row.id]);
  return { items: found.items.map((row) => describeFreeze(row, page.now)), nextCursor: found.nextCursor };
}

export function describeFreeze(row: Selectable<ControlTables["freezes"]>, now: number): ShownFreeze {
  const [from, to] = [row.starts_at.getTime(), row.ends_at.getTime()];
  const state = row.removed_at !== null ? "removed" : to <= now ? "over" : from <= now ? "on" : "coming";
  return {
    id: row.id,
    tenant: row.tenant,
    module: row.module,
    from: row.starts_at.toISOString(),
    to: row.ends_at.toISOString(),
    timeZone: row.time_zone,
    reason: row.reason,
    state,
    createdAt: row.created_at.toISOString(),
  };
}
