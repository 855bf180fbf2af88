import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/** The table, in the schema itself, with the transactions that filled rows for a version, which nobody wrote. */
export const FILLED_TABLE = "aibos_backfilled";

export function createFilledTable(schema: string): string {
  return `create table if not exists ${nameIn(schema)} (transaction bigint not null)`;
}

/** A statement that enters its own transaction. Rows must be filled in it and in no subtransaction of it. */
export function enterFilling(schema: string): string {
  return `insert into ${nameIn(schema)} (transaction) values (pg_current_xact_id()::text::bigint)`;
}

export function dropFilledTable(schema: string): string {
  return `drop table if exists ${nameIn(schema)}`;
}

/** The transactions that filled rows, as an `int8multirange` in text. */
export async function readFilled(client: Pick<ClientBase, "query">, schema: string): Promise<string> {
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    nameIn(schema),
  ]);
  if (found[0]?.there !== true) return "{}";
  const { rows } = await client.query<{ filled: string }>(
    `select coalesce(range_agg(int8range(transaction, transaction, '[]')), '{}')::text as filled from ${nameIn(schema)}`,
  );
  return rows[0]?.filled ?? "{}";
}

function nameIn(schema: string): string {
  return `${quoteIdentifier(schema)}.${FILLED_TABLE}`;
}
