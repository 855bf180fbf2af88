import { parseOperations, type Release } from "@aibos/tenant-data";
import type pg from "pg";

// What the benchmarks of live versions convert: a table as modules have them, and a column of whole cents that becomes one
// of decimals.

/** Makes the table, without rows, in a schema of its own. */
export async function createInvoices(client: pg.Client, schema: string): Promise<void> {
  await client.query(`create schema ${schema}; create table ${schema}.invoices (
    id bigint generated always as identity primary key, customer text not null, cents integer not null,
    state text not null default 'open', created timestamptz not null default now(), details jsonb);
    create index invoices_customer on ${schema}.invoices (customer)`);
}

export const TO_NUMERIC = {
  alter_column: {
    table: "invoices",
    column: "cents",
    type: "numeric(12, 2)",
    up: "cents / 100.0",
    down: "(cents * 100)::integer",
  },
} as const;

/** Version 2.0.0, of one file. */
export function releaseOf(...operations: readonly object[]): Release {
  return { version: "2.0.0", files: [parseOperations("001_amount.json", JSON.stringify({ operations }))] };
}
