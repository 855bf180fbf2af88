import type { ClientBase } from "pg";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import type { RowChange } from "../live/row-change.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { readUserTables, rowsIn, type UserTable } from "./user-tables.ts";
import { knownTable, type WriteBaseline } from "./write-baseline.ts";

/** Writes of one table that are still to be seen: a row that came and went is none. */
export interface CountedWrites {
  /** As the baseline knows it, whatever it is called now. */
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** False when rows both came and went and no key tells updates from an insert and a delete for certain. */
  readonly exact: boolean;
}

/**
 * Counts the rows written since. A row tells by its `xmin` which transaction wrote it, which needs no trigger and no
 * key and survives VACUUM and freezing; rows that are gone show in the number of old rows that are left. What the engine
 * did itself is left out as far as the baseline has it noted.
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
  const changes = await madeChanges(client, baseline.changes ?? []);
  const ended = await joined(client, [baseline.ended, ...changes.map(({ transactions }) => transactions)]);
  const counted: CountedWrites[] = [];
  const number = "($1::numeric - age(xmin))::text";
  const isFresh =
    ended === undefined
      ? `not pg_visible_in_snapshot(${number}::xid8, $2::pg_snapshot)`
      : `${number}::xid8 >= pg_snapshot_xmin($2::pg_snapshot) and not ${number}::bigint <@ $3::int8multirange`;
  const copied = copy === undefined ? [] : await readUserTables(client, copy);
  const tables = await readUserTables(client, schema);
  const present = new Set(tables.map(({ oid }) => oid));
  for (const table of tables) {
    const { name, before: known, relation, key: numbers } = asKnown(table, baseline, present);
    const twin = copied.find((one) => one.relation === relation);
    const key = twin === undefined ? undefined : commonKey(table, twin, numbers);
    const inCopy = twin === undefined ? "" : rowsIn(copy ?? "", twin);
    // xmin has 32 bits; its age makes it a 64-bit number. Frozen rows are old, and so are those from before a wraparound.
    const written = await client.query<{ fresh: string; old: string; known: string }>(
      `select count(*) filter (where fresh)::text as fresh, count(*) filter (where not fresh)::text as old,
         count(*) filter (where fresh and known)::text as known
       from (select age(xmin) between 0 and 2147483646 and ${isFresh} as fresh,
               ${key === undefined ? "false" : isKnown(inCopy, key)} as known
             from ${rowsIn(schema, table)} as live) as rows`,
      ended === undefined ? [now, baseline.snapshot] : [now, baseline.snapshot, ended],
    );
    const before = known + changedRows(table, changes);
    const fresh = Number(written.rows[0]?.fresh ?? 0);
    const gone = Math.max(0, before - Number(written.rows[0]?.old ?? 0));
    if (fresh === 0 && gone === 0) continue;
    const updated = Math.min(gone, key === undefined ? fresh : Number(written.rows[0]?.known ?? 0));
    const exact = fresh === 0 || gone === 0 || (key !== undefined && before === (await countRows(client, inCopy)));
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

/** What a baseline knows of a table. */
function asKnown(
  table: UserTable,
  { rows, tables }: WriteBaseline,
  present: ReadonlySet<number>,
): { name: string; before: number; relation: string | null; key: readonly number[] | undefined } {
  const rowsOf = (name: string): number => (Object.hasOwn(rows, name) ? (rows[name] ?? 0) : 0);
  if (tables === undefined) {
    const { relation } = table;
    return { name: relation, before: rowsOf(relation), relation, key: undefined };
  }
  const { name, table: known } = knownTable(tables, table, present);
  const key = known?.oid === table.oid ? known.key : undefined;
  return { name, before: known === undefined ? 0 : rowsOf(name), relation: known?.relation ?? null, key };
}

/** Those whose transactions were not taken back. A number that the server has forgotten is long ago, and was reported last. */
async function madeChanges(client: ClientBase, changes: readonly RowChange[]): Promise<RowChange[]> {
  if (changes.length === 0) return [];
  const { rows } = await client.query<{ transaction: string }>(
    `select n as transaction from unnest($1::text[]) n
     where coalesce(pg_xact_status(n::xid8), 'committed') = 'committed'`,
    [changes.map(({ transaction }) => transaction)],
  );
  const made = new Set(rows.map(({ transaction }) => transaction));
  return changes.filter(({ transaction }) => made.has(transaction));
}

async function joined(client: ClientBase, multiranges: readonly (string | undefined)[]): Promise<string | undefined> {
  const some = multiranges.filter((one) => one !== undefined);
  if (some.length <= 1) return some[0];
  const { rows } = await client.query<{ ended: string }>(
    "select range_agg(r)::text as ended from unnest($1::int8multirange[]) m cross join unnest(m) r",
    [some],
  );
  return rows[0]?.ended ?? "{}";
}

/** How many rows more, or fewer, the engine left in a table. */
function changedRows({ oid, parts }: UserTable, changes: readonly RowChange[]): number {
  const oids = new Set([oid, ...parts.map((part) => part.oid)]);
  return changes
    .flatMap(({ rows }) => Object.entries(rows))
    .reduce((sum, [changed, rows]) => (oids.has(Number(changed)) ? sum + rows : sum), 0);
}

interface KeyPair {
  readonly live: string;
  readonly copied: string;
}

/**
 * The columns of the primary key in a table and in its copy, where they are the same: by number, since they may be called
 * otherwise by now, or by name where no numbers are known.
 */
function commonKey(
  table: UserTable,
  twin: UserTable,
  numbers: readonly number[] | undefined,
): readonly KeyPair[] | undefined {
  const { key } = table;
  if (key.length === 0 || key.length !== twin.key.length) return undefined;
  const pairs: KeyPair[] = [];
  for (const [index, column] of key.entries()) {
    const copied = twin.key[index];
    const same = numbers === undefined ? copied?.name === column.name : numbers[index] === column.number;
    if (copied === undefined || !same || copied.type !== column.type) return undefined;
    pairs.push({ live: column.name, copied: copied.name });
  }
  return pairs;
}

/** A condition in SQL: the copy has a row with the key of the row `live`. */
function isKnown(copy: string, key: readonly KeyPair[]): string {
  const same = key.map(({ live, copied }) => `copied.${quoteIdentifier(copied)} = live.${quoteIdentifier(live)}`);
  return `exists (select from ${copy} as copied where ${same.join(" and ")})`;
}

async function countRows(client: ClientBase, table: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`select count(*)::text as count from ${table}`);
  return Number(rows[0]?.count ?? 0);
}
