import type { ClientBase } from "pg";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import { readFilled } from "../live/filled-rows.ts";
import type { RowChange } from "../live/row-change.ts";
import { queryAll } from "../query-all.ts";
import { quoteLiteral } from "../quote-identifier.ts";
import type { CountedWrites } from "./count-writes.ts";
import { readUserTables, rowsIn, type UserTable } from "./user-tables.ts";

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
  /** Which table each name is, whatever it is called later. Absent in one that an older program took. */
  readonly tables?: Readonly<Record<string, BaselineTable>>;
  /** What the engine itself did to rows since, as {@link addRowChange} notes it. */
  readonly changes?: readonly RowChange[];
}

/** A table at the moment of a baseline. */
export interface BaselineTable {
  readonly oid: number;
  /** As a copy of that moment calls it; null for one that is not in the copy with which it is counted. */
  readonly relation: string | null;
  /** Numbers of the columns of its primary key, in order. */
  readonly key: readonly number[];
}

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
  const tables = await readUserTables(client, schema);
  const take = async (): Promise<WriteBaseline> => {
    const count = (table: UserTable): string => `select count(*)::text as count from ${rowsIn(schema, table)}`;
    const counts =
      rows === undefined
        ? (await queryAll(client, tables.map(count))).map((result) => Number(result.rows[0]?.count ?? 0))
        : tables.map(({ parts }) => parts.reduce((sum, { relation }) => sum + (rows[relation] ?? 0), 0));
    const baseline = {
      snapshot,
      rows: Object.fromEntries(tables.map(({ name }, index) => [name, counts[index] ?? 0])),
      tables: Object.fromEntries(
        tables.map(({ name, oid, relation, key }) => [
          name,
          { oid, relation, key: key.map((column) => column.number) },
        ]),
      ),
    };
    return quiet
      ? baseline
      : { ...baseline, ended: await endedTransactions(client, { schema, tables, snapshot, now }) };
  };
  // Else no row is read.
  return rows === undefined || !quiet ? withoutForcedRowSecurity(client, schema, take) : take();
}

/**
 * A baseline from which counting goes on in place of an earlier one: tables have the names that they had there, whatever
 * they are called now, and are compared with the same copy.
 */
export function continueBaseline(earlier: WriteBaseline, baseline: WriteBaseline): WriteBaseline {
  const { rows, tables } = baseline;
  if (earlier.tables === undefined || tables === undefined) return baseline;
  const present = new Set(Object.values(tables).map(({ oid }) => oid));
  const named = Object.entries(tables).map(([now, table]) => {
    const known = knownTable(earlier.tables ?? {}, { ...table, name: now }, present);
    const same = known.table?.oid === table.oid ? known.table : { ...table, relation: known.table?.relation ?? null };
    return { name: known.name, rows: rows[now] ?? 0, table: same };
  });
  return {
    ...baseline,
    rows: Object.fromEntries(named.map((one) => [one.name, one.rows])),
    tables: Object.fromEntries(named.map((one) => [one.name, one.table])),
  };
}

/**
 * Finds a table among known ones by its identity; by its name where the one that was called so is not there any more, as
 * when a copy took its place. What is not known, and has the name of another, is called so.
 *
 * @param present oids of all tables that are there
 */
export function knownTable(
  tables: Readonly<Record<string, BaselineTable>>,
  { oid, name }: { readonly oid: number; readonly name: string },
  present: ReadonlySet<number>,
): { readonly name: string; readonly table?: BaselineTable } {
  for (const [known, table] of Object.entries(tables)) if (table.oid === oid) return { name: known, table };
  const namesake = Object.hasOwn(tables, name) ? tables[name] : undefined;
  if (namesake === undefined) return { name };
  return present.has(namesake.oid) ? { name: `${name} (new)` } : { name, table: namesake };
}

/** A baseline that goes on when other tables took the places of those that it knows. @param moved the new by the old oid */
export function moveBaseline(baseline: WriteBaseline, moved: ReadonlyMap<number, number>): WriteBaseline {
  if (baseline.tables === undefined) return baseline;
  const tables = Object.entries(baseline.tables).map(
    ([name, table]) => [name, { ...table, oid: moved.get(table.oid) ?? table.oid }] as const,
  );
  return { ...baseline, tables: Object.fromEntries(tables) };
}

/** A baseline for which what the engine does in a transaction is nobody's write, when that transaction commits. */
export function addRowChange(baseline: WriteBaseline, change: RowChange): WriteBaseline {
  return { ...baseline, changes: [...(baseline.changes ?? []), change] };
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
      table: nameOfRelation(baseline, table),
      inserted: 0,
      updated,
      deleted: 0,
      exact: false,
    })),
  };
}

function nameOfRelation({ tables = {} }: WriteBaseline, relation: string): string {
  return Object.entries(tables).find(([, table]) => table.relation === relation)?.[0] ?? relation;
}

/** Transactions from the snapshot's first number on of which rows can be seen. */
async function endedTransactions(
  client: ClientBase,
  { schema, tables, snapshot, now }: { schema: string; tables: readonly UserTable[]; snapshot: string; now: string },
): Promise<string> {
  const results = await queryAll(
    client,
    tables.map((table) => {
      const first = `pg_snapshot_xmin(${quoteLiteral(snapshot)})::text::bigint`;
      const number = `${now} - age(xmin)`;
      return `select distinct ${number} as number from ${rowsIn(schema, table)}
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
