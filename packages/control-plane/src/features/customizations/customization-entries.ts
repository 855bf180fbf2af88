import type { Kysely } from "kysely";
import { sql } from "kysely";
import type { Page } from "@aibos/contract";
import { CUSTOM_FIELDS, formatPath, type ModuleId, type ReportLine, type TenantId, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import type { CustomizationTables, StoredReportLine } from "../../db/customization-tables.ts";
import { digestOf } from "./customizable.ts";
import { keepTexts } from "./keep-texts.ts";

export interface TenantPlace {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

/** An entry of a tenant's customisations, with its texts. */
export interface StoredEntry {
  readonly id: number;
  readonly name: string;
  readonly version: Version;
  /** Null: the default. */
  readonly content: string | null;
  readonly base: string;
  readonly sourceId: number | null;
  readonly origin: CustomizationTables["customizations"]["origin"];
  readonly author: string;
  readonly report: readonly StoredReportLine[];
  readonly migrationId: string | null;
  readonly supersededBy: string | null;
  readonly createdAt: Date;
}

export interface NewEntry extends TenantPlace {
  readonly version: Version;
  readonly name: string;
  readonly base: string;
  readonly content: string | null;
  readonly origin: StoredEntry["origin"];
  readonly author: string;
  readonly report?: readonly ReportLine[];
  readonly sourceId?: number;
  readonly migrationId?: string;
}

type Db = Kysely<ControlTables>;

export async function addEntry(db: Db, entry: NewEntry): Promise<number> {
  await keepTexts(db, entry.content === null ? [entry.base] : [entry.base, entry.content]);
  const row = await db
    .insertInto("customizations")
    .values({
      tenant: entry.tenant,
      module: entry.module,
      version: entry.version,
      name: entry.name,
      base_digest: digestOf(entry.base),
      content_digest: entry.content === null ? null : digestOf(entry.content),
      source_id: entry.sourceId ?? null,
      origin: entry.origin,
      author: entry.author,
      report: JSON.stringify((entry.report ?? []).map(storedLine)),
      migration_id: entry.migrationId ?? null,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return row.id;
}

function storedLine({ path, outcome, detail }: ReportLine): StoredReportLine {
  return { path: formatPath(path), outcome, detail: detail ?? null };
}

function entries(db: Db) {
  return db
    .selectFrom("customizations as c")
    .innerJoin("customization_texts as b", "b.digest", "c.base_digest")
    .leftJoin("customization_texts as t", "t.digest", "c.content_digest")
    .select(["c.id", "c.name", "c.version", "c.source_id", "c.origin", "c.author", "c.report", "c.migration_id"])
    .select(["c.superseded_by", "c.created_at", "b.content as base", "t.content as content"]);
}

type EntryRow = Awaited<ReturnType<ReturnType<typeof entries>["execute"]>>[number];

function toEntry(row: EntryRow): StoredEntry {
  const { source_id: sourceId, migration_id: migrationId, superseded_by: supersededBy, created_at: createdAt } = row;
  const { id, name, version, content, base, origin, author, report } = row;
  return { id, name, version, content, base, origin, author, report, sourceId, migrationId, supersededBy, createdAt };
}

/** What a tenant has of a version: the newest entry of each name. */
export async function presentEntries(
  db: Db,
  { tenant, module }: TenantPlace,
  version: Version,
): Promise<StoredEntry[]> {
  const rows = await entries(db)
    .distinctOn("c.name")
    .where("c.tenant", "=", tenant)
    .where("c.module", "=", module)
    .where("c.version", "=", version)
    .where("c.superseded_by", "is", null)
    .orderBy("c.name")
    .orderBy("c.id", "desc")
    .execute();
  return rows.map(toEntry);
}

/** Newest first. */
export async function entryHistory(db: Db, { tenant, module }: TenantPlace, name: string): Promise<StoredEntry[]> {
  const rows = await entries(db)
    .where("c.tenant", "=", tenant)
    .where("c.module", "=", module)
    .where("c.name", "=", name)
    .orderBy("c.id", "desc")
    .limit(500)
    .execute();
  return rows.map(toEntry);
}

/** One page of a history, newest first, and for the entries of each version the one before them. */
export async function entryPage(
  db: Db,
  { tenant, module }: TenantPlace,
  name: string,
  { after, limit }: { after: Cursor | undefined; limit: number },
): Promise<Page<StoredEntry> & { readonly before: readonly StoredEntry[] }> {
  const own = entries(db).where("c.tenant", "=", tenant).where("c.module", "=", module).where("c.name", "=", name);
  let query = own.orderBy("c.id", "desc").limit(limit + 1);
  if (after !== undefined) query = query.where(sql<boolean>`c.id < ${after[0]}::bigint`);
  const { items, nextCursor } = pageOf(await query.execute(), limit, (row) => [String(row.id)]);
  const last = items.at(-1);
  if (last === undefined || nextCursor === null) return { items: items.map(toEntry), nextCursor, before: [] };
  const before = await own
    .distinctOn("c.version")
    .where("c.id", "<", last.id)
    .orderBy("c.version")
    .orderBy("c.id", "desc")
    .execute();
  return { items: items.map(toEntry), nextCursor, before: before.map(toEntry) };
}

/** What is left of an earlier stay at a version makes room for what is merged now; it stays in the history. */
export async function supersede(db: Db, place: TenantPlace, version: Version, migrationId: string): Promise<void> {
  await db
    .updateTable("customizations")
    .set({ superseded_by: migrationId })
    .where("tenant", "=", place.tenant)
    .where("module", "=", place.module)
    .where("version", "=", version)
    .where("superseded_by", "is", null)
    .execute();
}

/** Takes back all that a migration wrote for a version. */
export async function takeBackEntries(
  db: Db,
  place: TenantPlace,
  version: Version,
  migrationId: string,
): Promise<void> {
  await db
    .deleteFrom("customizations")
    .where("migration_id", "=", migrationId)
    .where("version", "=", version)
    .execute();
  await db
    .updateTable("customizations")
    .set({ superseded_by: null })
    .where("superseded_by", "=", migrationId)
    .where("tenant", "=", place.tenant)
    .where("module", "=", place.module)
    .where("version", "=", version)
    .execute();
}

/** The number of the newest entry: those up to it are there now. */
export async function newestEntry(db: Db, { tenant, module }: TenantPlace): Promise<number> {
  const row = await db
    .selectFrom("customizations")
    .select((eb) => eb.fn.coalesce(eb.fn.max("id"), sql<number>`0`).as("newest"))
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirstOrThrow();
  return row.newest;
}

/** What a tenant edited on a version that it left by going back: the newest entry of each name. */
export async function keptAside(
  db: Db,
  { tenant, module }: TenantPlace,
  version: Version,
): Promise<{ readonly id: number; readonly name: string }[]> {
  return db
    .selectFrom("customizations")
    .distinctOn("name")
    .select(["id", "name"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("version", "=", version)
    .where("origin", "in", ["edit", "reapply"])
    .orderBy("name")
    .orderBy("id", "desc")
    .execute();
}

/** Whether a tenant's own columns were changed after an entry. */
export async function hasNewFields(db: Db, { tenant, module }: TenantPlace, mark: number): Promise<boolean> {
  const row = await db
    .selectFrom("customizations")
    .select("id")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("name", "=", CUSTOM_FIELDS)
    .where("id", ">", mark)
    .where("origin", "<>", "merge")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
