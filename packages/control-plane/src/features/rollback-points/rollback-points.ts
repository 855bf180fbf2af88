import { randomBytes } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { TableWrites } from "@aibos/contract";
import { compareVersions, type ModuleId, rollbackSchemaName, type TenantId, type Version } from "@aibos/domain";
import {
  continueBaseline,
  createSchemaCopy,
  fingerprintSchema,
  readUserTables,
  type SchemaFingerprint,
  takeWriteBaseline,
  type WriteBaseline,
} from "@aibos/tenant-data";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import type { Belongings } from "../../db/stored-belongings.ts";
import { readBelongings } from "../belongings/belongings.ts";
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
  /** Null in those of before these were kept. */
  readonly belongings: Belongings | null;
}

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
  return insertPoint(tx, place, { ...facts, size: await sizeOf(tx, facts.copy, facts.fingerprint), baseline });
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

/** What is known of a moment that a rollback point is made of later. */
export interface PastMoment {
  readonly at: Date;
  readonly customizationMark: number;
  readonly belongings: Belongings;
  readonly carriedWrites: readonly TableWrites[];
}

/** Enters a schema that was made of a backup as a rollback point of the backup's moment. */
export async function enterPastPoint(
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
    baseline: WriteBaseline;
    past: PastMoment;
  },
): Promise<StoredRollbackPoint> {
  return insertPoint(tx, place, { ...facts, size: await sizeOf(tx, facts.copy, facts.fingerprint) });
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

async function sizeOf(
  { client }: ControlTransaction,
  schema: string,
  { tables }: SchemaFingerprint,
): Promise<{ tables: number; rows: number; bytes: number }> {
  const { rows } = await client.query<{ bytes: string }>(
    `select coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r'`,
    [schema],
  );
  return {
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    bytes: Number(rows[0]?.bytes ?? 0),
  };
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
    /** Of a moment that is past: when, and what was there then. */
    past?: PastMoment;
  },
): Promise<StoredRollbackPoint> {
  const { past } = point;
  const belongings = past?.belongings ?? (await readBelongings(db, place, point.version));
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
      customization_mark: past?.customizationMark ?? (await newestEntry(db, place)),
      belongings: JSON.stringify(belongings),
      created_at: past?.at ?? sql<Date>`clock_timestamp()`,
      ...(past === undefined ? {} : { carried_writes: JSON.stringify(past.carriedWrites) }),
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
  belongings: Belongings | null;
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
    belongings: row.belongings,
  };
}
