import { type Kysely, type Selectable, sql } from "kysely";
import type { CustomizationConflict, Page } from "@aibos/contract";
import { type Conflict, formatPath, type JsonValue, type ModuleId, type TenantId, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import { type CarriedContent, previewCarrying } from "./carry-customizations.ts";
import type { TenantPlace } from "./customization-entries.ts";
import { conflictId } from "./merge-hop.ts";

type Db = Kysely<ControlTables>;
/** Rows of one statement; PostgreSQL takes 65,535 parameters. */
const BATCH = 1_000;
const EXAMPLES = 20;

/** Makes conflicts known, so that they can be decided by their identifiers. */
export async function keepConflicts(db: Db, module: ModuleId, carried: readonly CarriedContent[]): Promise<void> {
  const rows = new Map(
    carried.flatMap(({ name, from, to, conflicts }) =>
      conflicts.map((conflict) => {
        const { kind, path, movedTo, detail, base, ours, theirs } = conflict;
        const digest = conflictId(name, conflict);
        return [
          digest,
          {
            digest,
            module,
            name,
            kind,
            path: formatPath(path),
            base: toJson(base),
            ours: toJson(ours),
            theirs: toJson(theirs),
            moved_to: movedTo === undefined ? null : formatPath(movedTo),
            detail: detail ?? null,
            from_version: from,
            to_version: to,
          },
        ] as const;
      }),
    ),
  );
  const all = [...rows.values()];
  for (let start = 0; start < all.length; start += BATCH) {
    await db
      .insertInto("customization_conflicts")
      .values(all.slice(start, start + BATCH))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

function toJson(value: JsonValue | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** Adds to what a tenant waits for. */
export async function addOpenConflicts(db: Db, place: TenantPlace, carried: readonly CarriedContent[]): Promise<void> {
  await keepConflicts(db, place.module, carried);
  const ids = carried.flatMap(({ name, conflicts }) => conflicts.map((conflict) => conflictId(name, conflict)));
  if (ids.length === 0) return;
  await db
    .insertInto("customization_conflict_tenants")
    .values([...new Set(ids)].map((digest) => ({ digest, tenant: place.tenant, module: place.module })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Notes what a tenant waits for on a path; what it waited for before is forgotten. */
export async function noteConflicts(db: Db, place: TenantPlace, path: readonly Version[]): Promise<void> {
  const carried = await previewCarrying(db, place, path);
  await forgetConflicts(db, place);
  await addOpenConflicts(db, place, carried);
}

export async function forgetConflicts(db: Db, { tenant, module }: TenantPlace): Promise<void> {
  await db
    .deleteFrom("customization_conflict_tenants")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .execute();
}

/** Those that somebody waits for and nobody has decided, by how many wait. */
export async function listOpenConflicts(
  db: Db,
  { module, tenant }: { module: ModuleId; tenant?: TenantId | undefined },
  { after, limit }: { after: Cursor | undefined; limit: number },
): Promise<Page<CustomizationConflict>> {
  let query = db
    .selectFrom("customization_conflicts as c")
    .innerJoin("customization_conflict_tenants as t", "t.digest", "c.digest")
    .selectAll("c")
    .select(sql<number>`count(*)::int`.as("tenants"))
    .select(sql<TenantId[]>`(array_agg(t.tenant order by t.tenant))[1:${sql.lit(EXAMPLES)}]`.as("examples"))
    .where("c.module", "=", module)
    .where((open) =>
      open.not(
        open.exists(
          open
            .selectFrom("recorded_resolutions as r")
            .select("r.id")
            .whereRef("r.digest", "=", "c.digest")
            .where("r.revoked_at", "is", null)
            .where((holds) => holds.or([holds("r.tenant", "is", null), holds("r.tenant", "=", holds.ref("t.tenant"))])),
        ),
      ),
    )
    .groupBy("c.digest")
    .orderBy("tenants", "desc")
    .orderBy("c.digest")
    .limit(limit + 1);
  if (tenant !== undefined) query = query.having(sql<boolean>`bool_or(t.tenant = ${tenant})`);
  if (after !== undefined) {
    const [tenants, digest] = after;
    query = query.having(
      sql<boolean>`count(*) < ${tenants}::int or (count(*) = ${tenants}::int and c.digest > ${digest})`,
    );
  }
  const { items, nextCursor } = pageOf(await query.execute(), limit, (row) => [String(row.tenants), row.digest]);
  return { items: items.map(describeOpen), nextCursor };
}

type OpenRow = Selectable<ControlTables["customization_conflicts"]> & { tenants: number; examples: TenantId[] };

function describeOpen(row: OpenRow): CustomizationConflict {
  return {
    id: row.digest,
    name: row.name,
    kind: row.kind,
    path: row.path,
    base: row.base,
    ours: row.ours,
    theirs: row.theirs,
    movedTo: row.moved_to,
    detail: row.detail,
    from: row.from_version,
    to: row.to_version,
    tenants: row.tenants,
    examples: row.examples,
  };
}

/** A conflict as the API shows it. */
export function describeConflict(
  { name, from, to }: Pick<CarriedContent, "name" | "from" | "to">,
  conflict: Conflict,
  behind: { tenants: number; examples: string[] },
): CustomizationConflict {
  const { kind, path, base, ours, theirs, movedTo, detail } = conflict;
  return {
    id: conflictId(name, conflict),
    name,
    kind,
    path: formatPath(path),
    base: base ?? null,
    ours: ours ?? null,
    theirs: theirs ?? null,
    movedTo: movedTo === undefined ? null : formatPath(movedTo),
    detail: detail ?? null,
    from,
    to,
    tenants: behind.tenants,
    examples: behind.examples.slice(0, EXAMPLES),
  };
}
