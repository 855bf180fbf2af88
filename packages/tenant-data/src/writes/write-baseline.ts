import type { ClientBase } from "pg";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import { readFilled } from "../live/filled-rows.ts";
import { isNotOfExtension } from "../live-objects.ts";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";

/** A moment in a schema's life from which writes are counted. */
export interface WriteBaseline {
  /** PostgreSQL's snapshot (`pg_snapshot` as text): which transactions had ended. */
  readonly snapshot: string;
  /**
   * Transactions that the snapshot's first number does not tell apart and that had ended, as far as rows show: an
   * `int8multirange` as text. A snapshot names no subtransactions, which write rows too; here all are numbers alike.
   * Absent when nobody was writing.
   */
  readonly ended?: string;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Writes of one table that are still to be seen: a row that came and went is none. */
export interface CountedWrites {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** False when rows both came and went and no key tells updates from an insert and a delete for certain. */
  readonly exact: boolean;
}

/** The engine's own tables, which no user writes. */
const NOT_USERS = ["aibos_migrations", "aibos_versions", "aibos_backfilled"];

/**
 * Takes a baseline, of the snapshot of the caller's "repeatable read" transaction, whoever writes meanwhile. In a "read
 * committed" one no other session may be writing to the schema (hold its requests, or lock its tables). The caller's
 * transaction must not have written to it: such rows would count as written later.
 *
 * @param rows that each table has in the snapshot, when the caller knows (as a copy does)
 */
export async function takeWriteBaseline(
  client: ClientBase,
  schema: string,
  rows?: Readonly<Record<string, number>>,
): Promise<WriteBaseline> {
  const { rows: facts } = await client.query<{ snapshot: string; quiet: boolean; now: string }>(
    `select s::text as snapshot, pg_snapshot_xmin(s) = pg_snapshot_xmax(s) as quiet, pg_current_xact_id()::text as now
     from (select pg_current_snapshot() as s) s`,
  );
  const { snapshot, quiet, now } = facts[0] ?? { snapshot: "", quiet: true, now: "0" };
  const tables = await tablesOf(client, schema);
  const take = async (): Promise<WriteBaseline> => {
    const count = (table: Table): string => `select count(*)::text as count from ${nameOf(schema, table)}`;
    const counts =
      rows === undefined
        ? (await queryAll(client, tables.map(count))).map((result) => Number(result.rows[0]?.count ?? 0))
        : tables.map(({ parts }) => parts.reduce((sum, part) => sum + (rows[part] ?? 0), 0));
    const baseline = {
      snapshot,
      rows: Object.fromEntries(tables.map(({ name }, index) => [name, counts[index] ?? 0])),
    };
    return quiet
      ? baseline
      : { ...baseline, ended: await endedTransactions(client, { schema, tables, snapshot, now }) };
  };
  // Else no row is read.
  return rows === undefined || !quiet ? withoutForcedRowSecurity(client, schema, take) : take();
}

/**
 * A baseline for which rows that were filled for a version since are not taken for anybody's writes, and what has to be
 * added to its count: rows that users wrote and that were filled over. Nothing is added twice.
 */
export async function withoutFilled(
  client: Pick<ClientBase, "query">,
  schema: string,
  baseline: WriteBaseline,
): Promise<{ baseline: WriteBaseline; filledOver: CountedWrites[] }> {
  const known = baseline.ended ?? "{}";
  const { transactions, rewritten } = await readFilled(client, schema, known);
  if (transactions === "{}") return { baseline, filledOver: [] };
  const { rows } = await client.query<{ ended: string }>(
    "select ($1::int8multirange + $2::int8multirange)::text as ended",
    [known, transactions],
  );
  return {
    baseline: { ...baseline, ended: rows[0]?.ended ?? transactions },
    filledOver: rewritten.map(({ table, rows: updated }) => ({
      table,
      inserted: 0,
      updated,
      deleted: 0,
      exact: false,
    })),
  };
}

/** Transactions from the snapshot's first number on of which rows can be seen. */
async function endedTransactions(
  client: ClientBase,
  { schema, tables, snapshot, now }: { schema: string; tables: readonly Table[]; snapshot: string; now: string },
): Promise<string> {
  const results = await queryAll(
    client,
    tables.map((table) => {
      const first = `pg_snapshot_xmin(${quoteLiteral(snapshot)})::text::bigint`;
      const number = `${now} - age(xmin)`;
      return `select distinct ${number} as number from ${nameOf(schema, table)}
        where age(xmin) between 0 and ${now} - ${first}`;
    }),
  );
  const numbers = results.flatMap((result) =>
    result.rows.map((row: { number: string | number }) => String(row.number)),
  );
  const { rows } = await client.query<{ ended: string | null }>(
    "select range_agg(int8range(n, n, '[]'))::text as ended from unnest($1::bigint[]) n",
    [numbers],
  );
  return rows[0]?.ended ?? "{}";
}

/**
 * Counts the rows written since. A row tells by its `xmin` which transaction wrote it, which needs no trigger and no
 * key and survives VACUUM and freezing; rows that are gone show in the number of old rows that are left.
 *
 * With `copy`, a schema with the rows of the baseline or of before, a written row whose primary key is there is an
 * update; without it, or without a key, rows that came and rows that went are taken for updates as far as they go.
 *
 * A table whose row-level security is forced is locked until the caller's transaction ends: only so is every row seen.
 */
export async function countWritesSince(
  client: ClientBase,
  place: { schema: string; baseline: WriteBaseline; copy?: string },
): Promise<CountedWrites[]> {
  const { schema, copy } = place;
  return withoutForcedRowSecurity(client, schema, () =>
    copy === undefined
      ? countWrites(client, place)
      : withoutForcedRowSecurity(client, copy, () => countWrites(client, place)),
  );
}

async function countWrites(
  client: ClientBase,
  { schema, baseline, copy }: { schema: string; baseline: WriteBaseline; copy?: string },
): Promise<CountedWrites[]> {
  // Gives this transaction a number, from which age() then counts back.
  const { rows } = await client.query<{ now: string }>("select pg_current_xact_id()::text as now");
  const now = rows[0]?.now ?? "0";
  const counted: CountedWrites[] = [];
  const number = "($1::numeric - age(xmin))::text";
  const isFresh =
    baseline.ended === undefined
      ? `not pg_visible_in_snapshot(${number}::xid8, $2::pg_snapshot)`
      : `${number}::xid8 >= pg_snapshot_xmin($2::pg_snapshot) and not ${number}::bigint <@ $3::int8multirange`;
  const keys = copy === undefined ? new Map<string, string[]>() : await commonKeys(client, schema, copy);
  for (const table of await tablesOf(client, schema)) {
    const { name } = table;
    const key = keys.get(name);
    // xmin has 32 bits; its age makes it a 64-bit number. Frozen rows are old, and so are those from before a wraparound.
    const written = await client.query<{ fresh: string; old: string; known: string }>(
      `select count(*) filter (where fresh)::text as fresh, count(*) filter (where not fresh)::text as old,
         count(*) filter (where fresh and known)::text as known
       from (select age(xmin) between 0 and 2147483646 and ${isFresh} as fresh,
               ${key === undefined ? "false" : isKnown(nameOf(copy ?? "", table), key)} as known
             from ${nameOf(schema, table)} as live) as rows`,
      baseline.ended === undefined ? [now, baseline.snapshot] : [now, baseline.snapshot, baseline.ended],
    );
    const before = Object.hasOwn(baseline.rows, name) ? (baseline.rows[name] ?? 0) : 0;
    const fresh = Number(written.rows[0]?.fresh ?? 0);
    const gone = Math.max(0, before - Number(written.rows[0]?.old ?? 0));
    if (fresh === 0 && gone === 0) continue;
    const updated = Math.min(gone, key === undefined ? fresh : Number(written.rows[0]?.known ?? 0));
    const exact =
      fresh === 0 || gone === 0 || (key !== undefined && before === (await rowsOf(client, copy ?? "", table)));
    counted.push({ table: name, inserted: fresh - updated, updated, deleted: gone - updated, exact });
  }
  return counted;
}

/** Adds up counts of the same tables. */
export function addWrites(first: readonly CountedWrites[], second: readonly CountedWrites[]): CountedWrites[] {
  const sums = new Map<string, CountedWrites>();
  for (const writes of [...first, ...second]) {
    const sum = sums.get(writes.table);
    sums.set(
      writes.table,
      sum === undefined
        ? writes
        : {
            table: writes.table,
            inserted: sum.inserted + writes.inserted,
            updated: sum.updated + writes.updated,
            deleted: sum.deleted + writes.deleted,
            exact: sum.exact && writes.exact,
          },
    );
  }
  return [...sums.values()];
}

/** A table that users write to: its partitions are parts of it, tables that inherit from it are not. */
interface Table {
  readonly name: string;
  readonly partitioned: boolean;
  /** The tables that hold its rows. */
  readonly parts: readonly string[];
}

async function tablesOf(client: ClientBase, schema: string): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select c.relname as name, c.relkind = 'p' as partitioned,
       case c.relkind when 'r' then array[c.relname::text] else array(select p.relname::text
         from pg_partition_tree(c.oid) t join pg_class p on p.oid = t.relid where t.isleaf) end as parts
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all ($2)
       and ${isNotOfExtension("pg_class", "c.oid")}
     order by c.relname collate "C"`,
    [schema, NOT_USERS],
  );
  return rows;
}

async function rowsOf(client: ClientBase, schema: string, table: Table): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `select count(*)::text as count from ${nameOf(schema, table)}`,
  );
  return Number(rows[0]?.count ?? 0);
}

/** Columns of the primary key, by table, where both schemas have the same one. */
async function commonKeys(client: ClientBase, schema: string, copy: string): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ table: string; columns: string[] }>(
    `with keys as (
       select n.nspname as schema, c.relname as table,
         array_agg(a.attname::text order by k.position) as columns, array_agg(a.atttypid order by k.position) as types
       from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
       cross join unnest(i.indkey) with ordinality as k (number, position)
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
       where i.indisprimary and n.nspname in ($1, $2) group by 1, 2
     )
     select live."table", live.columns from keys live join keys copied using ("table", columns, types)
     where live.schema = $1 and copied.schema = $2`,
    [schema, copy],
  );
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

/** A condition in SQL: the copy has a row with the key of the row `live`. */
function isKnown(copied: string, key: readonly string[]): string {
  const same = key.map((column) => `copied.${quoteIdentifier(column)} = live.${quoteIdentifier(column)}`).join(" and ");
  return `exists (select from ${copied} as copied where ${same})`;
}

/** A table to read from. */
function nameOf(schema: string, { name, partitioned }: Table): string {
  return `${partitioned ? "" : "only "}${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
