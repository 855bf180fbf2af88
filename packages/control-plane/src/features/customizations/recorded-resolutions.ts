import { randomBytes } from "node:crypto";
import { type Kysely, sql } from "kysely";
import { ConflictNotFoundError, type Page, type RecordedResolution, ResolutionNotFoundError } from "@aibos/contract";
import type { JsonValue, ModuleId, TenantId } from "@aibos/domain";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import { checkHandMerged } from "./check-hand-merged.ts";
import { createCustomizableReadModel } from "./customizable-read-model.ts";
import type { ControlTables } from "../../db/control-tables.ts";

type Db = Kysely<ControlTables>;

export interface NewResolution {
  readonly module: ModuleId;
  readonly conflict: string;
  readonly take: RecordedResolution["take"];
  readonly value: JsonValue | undefined;
  readonly tenant: TenantId | undefined;
  readonly author: string;
}

/** Records a decision; one that held until now for the same conflict and the same tenants is revoked. */
export async function recordResolution(db: Db, given: NewResolution): Promise<RecordedResolution> {
  const { module, conflict, take, value, tenant, author } = given;
  const known = await db
    .selectFrom("customization_conflicts")
    .select(["name", "kind", "path", "moved_to", "to_version"])
    .where("digest", "=", conflict)
    .where("module", "=", module)
    .executeTakeFirst();
  if (known === undefined) throw new ConflictNotFoundError(module, conflict);
  if (take === "value") {
    const target = (await createCustomizableReadModel(db).of(module, known.to_version)).get(known.name);
    checkHandMerged(target, { kind: known.kind, path: known.moved_to ?? known.path, value });
  }
  await db
    .updateTable("recorded_resolutions")
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where("digest", "=", conflict)
    .where(sql<boolean>`coalesce(tenant, '') = ${tenant ?? ""}`)
    .where("revoked_at", "is", null)
    .execute();
  const id = `res_${randomBytes(6).toString("hex")}`;
  await db
    .insertInto("recorded_resolutions")
    .values({
      id,
      digest: conflict,
      module,
      take,
      value: take === "value" ? JSON.stringify(value === undefined ? [] : [value]) : null,
      tenant: tenant ?? null,
      author,
    })
    .execute();
  return getResolution(db, id);
}

/** @throws ResolutionNotFoundError for one that does not hold (any more) */
export async function revokeResolution(db: Db, id: string): Promise<RecordedResolution> {
  const { numUpdatedRows } = await db
    .updateTable("recorded_resolutions")
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new ResolutionNotFoundError(id);
  return getResolution(db, id);
}

/** Newest first. */
export async function listResolutions(
  db: Db,
  module: ModuleId,
  { after, limit }: { after: Cursor | undefined; limit: number },
): Promise<Page<RecordedResolution>> {
  let query = resolutions(db)
    .select(sql<string>`r.created_at::text`.as("position"))
    .where("r.module", "=", module)
    .orderBy("r.created_at", "desc")
    .orderBy("r.id", "desc")
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(sql<boolean>`(r.created_at, r.id) < (${after[0]}::timestamptz, ${after[1]})`);
  const { items, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.position, row.id]);
  return { items: items.map(describe), nextCursor };
}

async function getResolution(db: Db, id: string): Promise<RecordedResolution> {
  return describe(await resolutions(db).where("r.id", "=", id).executeTakeFirstOrThrow());
}

function resolutions(db: Db) {
  return db
    .selectFrom("recorded_resolutions as r")
    .innerJoin("customization_conflicts as c", "c.digest", "r.digest")
    .selectAll("r")
    .select(["c.name", "c.path", "c.kind"]);
}

type ResolutionRow = Awaited<ReturnType<ReturnType<typeof resolutions>["execute"]>>[number];

function describe(row: ResolutionRow): RecordedResolution {
  return {
    id: row.id,
    conflict: row.digest,
    module: row.module,
    name: row.name,
    path: row.path,
    kind: row.kind,
    take: row.take,
    value: row.value?.[0] ?? null,
    tenant: row.tenant,
    author: row.author,
    at: row.created_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}
