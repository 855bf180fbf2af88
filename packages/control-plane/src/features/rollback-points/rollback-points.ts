import { randomBytes } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { TableWrites } from "@aibos/contract";
import { compareVersions, type ModuleId, rollbackSchemaName, type TenantId, type Version } from "@aibos/domain";
import {
  addRowChange,
  addWrites,
  continueBaseline,
  countWritesSince,
  createSchemaCopy,
  dropSchemaCopy,
  fingerprintSchema,
  moveBaseline,
  readUserTables,
  type RowChange,
  type SchemaFingerprint,
  takeWriteBaseline,
  withoutFilled,
  type WriteBaseline,
} from "@aibos/tenant-data";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { newestEntry } from "../customizations/customization-entries.ts";

/** Where a tenant's module data is. */
export interface DataPlace {
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly schema: string;
  readonly role: string;
}

export interface StoredRollbackPoint {
  readonly id: string;
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly version: Version;
  readonly dataVersion: Version;
  readonly state: "available" | "restored" | "dropped";
  readonly copy: string;
  readonly fingerprint: { readonly structure: string; readonly data: string };
  readonly createdAt: Date;
  /** Customisations up to this entry were there. */
  readonly customizationMark: number;
}

/**
 * So many rollback points of one tenant's module are kept of those that operations took, and as many of those that
 * were asked for: a migration's copies never push out the one that somebody made on purpose.
 */
const KEPT = 5;

/**
 * Copies the data and enters the copy as a rollback point, in a "repeatable read" transaction, while others go on
 * writing. The fingerprint is the copy's: a sequence may have moved on meanwhile.
 */
export async function takeRollbackPoint(
  tx: ControlTransaction,
  place: DataPlace,
  facts: { version: Version; dataVersion: Version; migrationId: string; reason: string },
): Promise<StoredRollbackPoint> {
  const id = newId();
  const copy = rollbackSchemaName(place.tenant, place.module, id);
  const { rowsByTable, structure, ...size } = await createSchemaCopy(tx.client, { from: place.schema, to: copy });
  const baseline = await takeWriteBaseline(tx.client, place.schema, rowsByTable);
  const fingerprint = await fingerprintSchema(tx.client, copy, structure);
  return insertPoint(tx, place, { ...facts, id, copy, fingerprint, size, baseline });
}

/**
 * Enters data that was just swapped out of its place as a rollback point, so that a rollback can be undone too.
 * `fingerprint` was taken while it was in its place; `moved` tells which tables took the places of its own.
 */
export async function keepSwappedOut(
  tx: ControlTransaction,
  place: DataPlace,
  facts: {
    id: string;
    version: Version;
    dataVersion: Version;
    migrationId: string;
    reason: string;
    copy: string;
    fingerprint: SchemaFingerprint;
    moved: ReadonlyMap<number, number>;
  },
): Promise<StoredRollbackPoint> {
  const baseline = await baselineOfSwappedOut(tx, place, facts);
  const { rows } = await tx.client.query<{ bytes: string }>(
    `select coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r'`,
    [facts.copy],
  );
  const size = {
    tables: facts.fingerprint.tables.length,
    rows: facts.fingerprint.tables.reduce((sum, table) => sum + table.rows, 0),
    bytes: Number(rows[0]?.bytes ?? 0),
  };
  return insertPoint(tx, place, { ...facts, size, baseline });
}

/** Writes to the data that is in place now, under the names that tables have in the data that was swapped out. */
async function baselineOfSwappedOut(
  { client }: ControlTransaction,
  { schema }: DataPlace,
  { copy, moved }: { copy: string; moved: ReadonlyMap<number, number> },
): Promise<WriteBaseline> {
  const baseline = await takeWriteBaseline(client, schema);
  const keys = new Map(Object.values(baseline.tables ?? {}).map(({ oid, key }) => [oid, key]));
  const tables = (await readUserTables(client, copy)).map(({ name, relation, oid }) => {
    const now = moved.get(oid) ?? oid;
    return [name, { oid: now, relation, key: keys.get(now) ?? [] }] as const;
  });
  return continueBaseline({ ...baseline, tables: Object.fromEntries(tables) }, baseline);
}

/** An identifier for a rollback point and its schema. */
export function newId(): string {
  return `rp_${randomBytes(6).toString("hex")}`;
}

export async function findRollbackPoint(
  db: Kysely<ControlTables>,
  id: string,
): Promise<StoredRollbackPoint | undefined> {
  const row = await db.selectFrom("rollback_points").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : describe(row);
}

/** The newest usable point that fits: of a version that served, or of one older than another. */
export async function newestRollbackPoint(
  db: Kysely<ControlTables>,
  wanted: {
    tenant: TenantId;
    module: ModuleId;
    version?: Version | undefined;
    olderThan?: Version;
    dataVersion?: Version;
  },
): Promise<StoredRollbackPoint | undefined> {
  let query = db
    .selectFrom("rollback_points")
    .selectAll()
    .where("tenant", "=", wanted.tenant)
    .where("module", "=", wanted.module)
    .where("state", "=", "available")
    .orderBy("created_at", "desc")
    .orderBy("id", "desc");
  if (wanted.version !== undefined) query = query.where("version", "=", wanted.version);
  if (wanted.dataVersion !== undefined) query = query.where("data_version", "=", wanted.dataVersion);
  const { olderThan } = wanted;
  const rows = await query.execute();
  const row = rows.find(({ version }) => olderThan === undefined || compareVersions(version, olderThan) < 0);
  return row === undefined ? undefined : describe(row);
}

export async function setPointState(
  { db }: ControlTransaction,
  id: string,
  state: StoredRollbackPoint["state"],
): Promise<void> {
  await db.updateTable("rollback_points").set({ state }).where("id", "=", id).execute();
}

/** Counts the writes that going back to a point would lose. */
export async function countLostWrites(
  { db, client }: ControlTransaction,
  pointId: string,
  schema: string,
): Promise<TableWrites[]> {
  const point = await db
    .selectFrom("rollback_points")
    .select(["write_baseline", "carried_writes", "schema_name"])
    .where("id", "=", pointId)
    .executeTakeFirstOrThrow();
  const since = await countWritesSince(client, {
    schema,
    baseline: point.write_baseline,
    copy: point.schema_name,
  });
  return addWrites(point.carried_writes, since);
}

/** Before an operation rewrites data: what users wrote so far is added to each point's count. */
export async function carryWrites(tx: ControlTransaction, place: DataPlace): Promise<void> {
  const points = await availablePoints(tx, place);
  if (points.length === 0) return;
  const baseline = await takeWriteBaseline(tx.client, place.schema);
  for (const id of points) {
    const carried = JSON.stringify(await countLostWrites(tx, id, place.schema));
    await tx.db.updateTable("rollback_points").set({ carried_writes: carried }).where("id", "=", id).execute();
    await changeBaseline(tx, id, (earlier) => continueBaseline(earlier, baseline));
  }
}

/** What the engine itself does to rows, before the transaction that does it commits: nobody writes those. */
export async function noteRowChange(tx: ControlTransaction, place: DataPlace, change: RowChange): Promise<void> {
  for (const id of await availablePoints(tx, place)) {
    await changeBaseline(tx, id, (earlier) => addRowChange(earlier, change));
  }
}

/**
 * After a point's copy took the place of the data: its tables are the ones that other points know by others' identity.
 *
 * @returns the new by the old oid
 */
export async function followRestored(
  tx: ControlTransaction,
  place: DataPlace,
  pointId: string,
): Promise<ReadonlyMap<number, number>> {
  const restored = await readBaseline(tx, pointId);
  const present = new Map((await readUserTables(tx.client, place.schema)).map((table) => [table.relation, table.oid]));
  const moved = new Map(
    Object.values(restored.tables ?? {}).flatMap(({ oid, relation }) => {
      const now = relation === null ? undefined : present.get(relation);
      return now === undefined ? [] : [[oid, now] as const];
    }),
  );
  for (const id of await availablePoints(tx, place)) {
    await changeBaseline(tx, id, (earlier) => moveBaseline(earlier, moved));
  }
  return moved;
}

/** After rows were filled for a version, while users went on writing: nobody wrote those. */
export async function discountFilled(tx: ControlTransaction, place: DataPlace): Promise<void> {
  for (const id of await availablePoints(tx, place)) {
    const point = await tx.db
      .selectFrom("rollback_points")
      .select(["write_baseline", "carried_writes"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    const { baseline, filledOver } = await withoutFilled(tx.client, place.schema, point.write_baseline);
    if (baseline === point.write_baseline) continue;
    await tx.db
      .updateTable("rollback_points")
      .set({
        write_baseline: JSON.stringify(baseline),
        carried_writes: JSON.stringify(addWrites(point.carried_writes, filledOver)),
      })
      .where("id", "=", id)
      .execute();
  }
}

/** After an operation rewrote data, before users write again: counting goes on from here. */
export async function rebaseWrites(tx: ControlTransaction, place: DataPlace): Promise<void> {
  const points = await availablePoints(tx, place);
  if (points.length === 0) return;
  const baseline = await takeWriteBaseline(tx.client, place.schema);
  for (const id of points) await changeBaseline(tx, id, (earlier) => continueBaseline(earlier, baseline));
}

async function readBaseline({ db }: ControlTransaction, id: string): Promise<WriteBaseline> {
  const point = await db
    .selectFrom("rollback_points")
    .select("write_baseline")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  return point.write_baseline;
}

async function changeBaseline(
  tx: ControlTransaction,
  id: string,
  change: (earlier: WriteBaseline) => WriteBaseline,
): Promise<void> {
  const baseline = JSON.stringify(change(await readBaseline(tx, id)));
  await tx.db.updateTable("rollback_points").set({ write_baseline: baseline }).where("id", "=", id).execute();
}

/** Drops the oldest points beyond the number that is kept. */
export async function pruneRollbackPoints(tx: ControlTransaction, place: DataPlace): Promise<void> {
  const asked = new Set(await pointsAskedFor(tx, place));
  const points = await availablePoints(tx, place);
  const ofOperations = points.filter((id) => !asked.has(id));
  for (const id of [...ofOperations.slice(KEPT), ...points.filter((id) => asked.has(id)).slice(KEPT)]) {
    const point = await findRollbackPoint(tx.db, id);
    if (point === undefined) continue;
    await dropSchemaCopy(tx.client, point.copy);
    await setPointState(tx, id, "dropped");
  }
}

async function pointsAskedFor({ db }: ControlTransaction, place: DataPlace): Promise<string[]> {
  const rows = await db
    .selectFrom("rollback_points as p")
    .innerJoin("migration_records as r", "r.id", "p.migration_id")
    .select("p.id")
    .where("p.tenant", "=", place.tenant)
    .where("p.module", "=", place.module)
    .where("r.kind", "=", "rollback-point")
    .execute();
  return rows.map((row) => row.id);
}

async function availablePoints({ db }: ControlTransaction, place: DataPlace): Promise<string[]> {
  const rows = await db
    .selectFrom("rollback_points")
    .select("id")
    .where("tenant", "=", place.tenant)
    .where("module", "=", place.module)
    .where("state", "=", "available")
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .execute();
  return rows.map((row) => row.id);
}

async function insertPoint(
  { db }: ControlTransaction,
  place: DataPlace,
  point: {
    id: string;
    version: Version;
    dataVersion: Version;
    migrationId: string;
    reason: string;
    copy: string;
    fingerprint: SchemaFingerprint;
    size: { tables: number; rows: number; bytes: number };
    baseline: WriteBaseline;
  },
): Promise<StoredRollbackPoint> {
  const row = await db
    .insertInto("rollback_points")
    .values({
      id: point.id,
      tenant: place.tenant,
      module: place.module,
      version: point.version,
      data_version: point.dataVersion,
      migration_id: point.migrationId,
      reason: point.reason,
      schema_name: point.copy,
      ...point.size,
      structure_fingerprint: point.fingerprint.structure,
      data_fingerprint: point.fingerprint.data,
      write_baseline: JSON.stringify(point.baseline),
      customization_mark: await newestEntry(db, place),
      created_at: sql<Date>`clock_timestamp()`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return describe(row);
}

function describe(row: {
  id: string;
  tenant: TenantId;
  module: ModuleId;
  version: Version;
  data_version: Version;
  state: StoredRollbackPoint["state"];
  schema_name: string;
  structure_fingerprint: string;
  data_fingerprint: string;
  created_at: Date;
  customization_mark: number;
}): StoredRollbackPoint {
  return {
    id: row.id,
    tenant: row.tenant,
    module: row.module,
    version: row.version,
    dataVersion: row.data_version,
    state: row.state,
    copy: row.schema_name,
    fingerprint: { structure: row.structure_fingerprint, data: row.data_fingerprint },
    createdAt: row.created_at,
    customizationMark: row.customization_mark,
  };
}
