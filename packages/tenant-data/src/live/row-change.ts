import type { ClientBase } from "pg";
import { queryAll } from "../query-all.ts";
import { ENGINE_TABLES } from "./version-model.ts";

/** What a transaction of the engine's own, with authors' SQL in it, did to rows, which no user wrote. */
export interface RowChange {
  /** The transaction's number (`xid8` as text). It is told before it commits, and may yet be taken back. */
  readonly transaction: string;
  /** Numbers that its rows have, those of subtransactions too: an `int8multirange` as text. */
  readonly transactions: string;
  /** Rows that it added less those that it took away, by the table's oid, where they are not as many. */
  readonly rows: Readonly<Record<string, number>>;
}

/**
 * The number that the next transaction, or subtransaction, will have, but for others' that begin meanwhile. In the
 * caller's transaction; the server tells of numbers only when one is taken, so that one is.
 */
export async function nextTransaction(client: ClientBase): Promise<string> {
  const results = await queryAll(client, [
    "select pg_current_xact_id()",
    "savepoint aibos_mark",
    "select pg_logical_emit_message(true, 'aibos', '')",
    `select (pg_current_xact_id()::text::bigint
         + max(age(pg_current_xact_id()::xid)::bigint - age(transactionid)))::text as number
       from pg_locks where locktype = 'transactionid' and pid = pg_backend_pid() and mode = 'ExclusiveLock'`,
    "rollback to savepoint aibos_mark",
    "release savepoint aibos_mark",
  ]);
  return results[3]?.rows[0]?.number ?? "0";
}

/** How many rows of each table, by oid, the session has written lately, and how many more than it took away. */
export type RowCounts = ReadonlyMap<string, { readonly wrote: number; readonly net: number }>;

/** The server's counts, in which what the session did in transactions just before may still be. */
export async function readRowCounts(client: ClientBase, schema: string): Promise<RowCounts> {
  const { rows } = await client.query<{ relation: string; wrote: number; net: number }>(
    `select relid::text as relation, (n_tup_ins + n_tup_upd + n_tup_del)::float8 as wrote,
       (n_tup_ins - n_tup_del)::float8 as net
     from pg_stat_xact_user_tables where schemaname = $1 and n_tup_ins + n_tup_upd + n_tup_del > 0
       and relname <> all ($2)`,
    [schema, ENGINE_TABLES],
  );
  return new Map(rows.map(({ relation, ...counts }) => [relation, counts]));
}

/**
 * Reads what the caller's transaction has done to the tables of a schema; undefined when it wrote no rows there. An
 * insert that a subtransaction took back counts as one, as it does in the server's statistics.
 *
 * @param before what {@link readRowCounts} gave at the transaction's beginning
 * @param alone {@link nextTransaction} when it had locked all tables that it wrote to: rows there with numbers from then
 * on are its subtransactions', unless somebody else has the number. Without it they are taken for somebody else's.
 */
export async function readRowChange(
  client: ClientBase,
  schema: string,
  { before, alone }: { before: RowCounts; alone?: string | undefined },
): Promise<RowChange | undefined> {
  const changed = [...(await readRowCounts(client, schema))]
    .map(([relation, { wrote, net }]) => {
      const earlier = before.get(relation);
      return { relation, wrote: wrote - (earlier?.wrote ?? 0), net: net - (earlier?.net ?? 0) };
    })
    .filter(({ wrote }) => wrote > 0);
  if (changed.length === 0) return undefined;
  const last = alone === undefined ? undefined : await nextTransaction(client);
  const { rows: numbers } = await client.query<{ transaction: string; transactions: string }>(
    `select own::text as transaction, (int8multirange(int8range(own, own, '[]'))
         + case when $1::bigint is null then '{}' else int8multirange(int8range($1, $2)) - others end)::text as transactions
     from (select pg_current_xact_id()::text::bigint as own) t
       cross join (select coalesce(range_agg(int8range(n, n, '[]')), '{}') as others from (
         select pg_current_xact_id()::text::bigint
           + (age(pg_current_xact_id()::xid)::bigint - age(transactionid)) as n
         from pg_locks where locktype = 'transactionid' and mode = 'ExclusiveLock' and granted
           and pid is distinct from pg_backend_pid()) as under_way) as o`,
    [alone ?? null, last ?? null],
  );
  const [own] = numbers;
  if (own === undefined) return undefined;
  return {
    ...own,
    rows: Object.fromEntries(changed.flatMap(({ relation, net }) => (net === 0 ? [] : [[relation, net]]))),
  };
}
