import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";

/** The table, in the schema itself, with the transactions that filled rows for a version, which nobody wrote. */
export const FILLED_TABLE = "aibos_backfilled";

export function createFilledTable(schema: string): string {
  return `create table if not exists ${nameIn(schema)}
    (transaction bigint not null, relation text, rewritten bigint not null default 0)`;
}

/** A statement that enters its own transaction. Rows must be filled in it and in no subtransaction of it. */
export function enterFilling(schema: string): string {
  return `insert into ${nameIn(schema)} (transaction) values (pg_current_xact_id()::text::bigint)`;
}

/**
 * The same, with how many rows of a query will be filled over that users wrote since the version's start: those are in
 * nobody's name afterwards.
 */
export function enterFillingOver(schema: string, relation: string, usersRows: string): string {
  return `insert into ${nameIn(schema)} (transaction, relation, rewritten)
    select pg_current_xact_id()::text::bigint, ${quoteLiteral(relation)}, (${usersRows})`;
}

export function dropFilledTable(schema: string): string {
  return `drop table if exists ${nameIn(schema)}`;
}

export interface FilledRows {
  /** The transactions that filled rows, as an `int8multirange` in text. */
  readonly transactions: string;
  /** Users' rows among them by table, of transactions that are not among `known`. */
  readonly rewritten: readonly { readonly table: string; readonly rows: number }[];
}

/** @param known an `int8multirange` in text */
export async function readFilled(
  client: Pick<ClientBase, "query">,
  schema: string,
  known: string,
): Promise<FilledRows> {
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    nameIn(schema),
  ]);
  if (found[0]?.there !== true) return { transactions: "{}", rewritten: [] };
  const { rows } = await client.query<{ filled: string }>(
    `select coalesce(range_agg(int8range(transaction, transaction, '[]')), '{}')::text as filled from ${nameIn(schema)}`,
  );
  const { rows: rewritten } = await client.query<{ table: string; rows: number }>(
    `select relation as table, sum(rewritten)::float8 as rows from ${nameIn(schema)}
     where rewritten > 0 and not transaction <@ $1::int8multirange group by relation order by relation`,
    [known],
  );
  return { transactions: rows[0]?.filled ?? "{}", rewritten };
}

function nameIn(schema: string): string {
  return `${quoteIdentifier(schema)}.${FILLED_TABLE}`;
}
