import type { ClientBase } from "pg";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import { quoteIdentifier } from "../quote-identifier.ts";

/** A moment in a schema's life from which writes are counted. */
export interface WriteBaseline {
  /** PostgreSQL's snapshot (`pg_snapshot` as text): which transactions had ended. */
  readonly snapshot: string;
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

/** The engine's own table, which no user writes. */
const LEDGER = "aibos_migrations";

/**
 * Takes a baseline. No other session may be writing to the schema (hold its requests, or lock its tables), and the
 * caller's transaction must not have written to it: such rows would count as written later.
 */
export async function takeWriteBaseline(client: ClientBase, schema: string): Promise<WriteBaseline> {
  const { rows } = await client.query<{ snapshot: string }>("select pg_current_snapshot()::text as snapshot");
  const counts = new Map<string, number>();
  await withoutForcedRowSecurity(client, schema, async () => {
    for (const table of await tablesOf(client, schema)) counts.set(table, await rowsOf(client, schema, table));
  });
  return { snapshot: rows[0]?.snapshot ?? "", rows: Object.fromEntries(counts) };
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
  const keys = copy === undefined ? new Map<string, string[]>() : await commonKeys(client, schema, copy);
  for (const table of await tablesOf(client, schema)) {
    const key = keys.get(table);
    // xmin has 32 bits; its age makes it the 64-bit number that a snapshot is asked about. Frozen rows are old.
    const written = await client.query<{ fresh: string; old: string; known: string }>(
      `select count(*) filter (where fresh)::text as fresh, count(*) filter (where not fresh)::text as old,
         count(*) filter (where fresh and known)::text as known
       from (select age(xmin) < 2147483647
               and not pg_visible_in_snapshot(($1::numeric - age(xmin))::text::xid8, $2::pg_snapshot) as fresh,
               ${key === undefined ? "false" : isKnown(nameOf(copy ?? "", table), key)} as known
             from ${nameOf(schema, table)} as live) as rows`,
      [now, baseline.snapshot],
    );
    const before = Object.hasOwn(baseline.rows, table) ? (baseline.rows[table] ?? 0) : 0;
    const fresh = Number(written.rows[0]?.fresh ?? 0);
    const gone = Math.max(0, before - Number(written.rows[0]?.old ?? 0));
    if (fresh === 0 && gone === 0) continue;
    const updated = Math.min(gone, key === undefined ? fresh : Number(written.rows[0]?.known ?? 0));
    const exact =
      fresh === 0 || gone === 0 || (key !== undefined && before === (await rowsOf(client, copy ?? "", table)));
    counted.push({ table, inserted: fresh - updated, updated, deleted: gone - updated, exact });
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

async function tablesOf(client: ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> $2
     order by c.relname collate "C"`,
    [schema, LEDGER],
  );
  return rows.map((row) => row.name);
}

async function rowsOf(client: ClientBase, schema: string, table: string): Promise<number> {
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

function nameOf(schema: string, table: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}
