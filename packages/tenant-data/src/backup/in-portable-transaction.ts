import type { ClientBase } from "pg";
import { searchPathOf } from "../fingerprint/search-path.ts";

/** How values are written as text and read again, whatever the session, the role or the database say. */
const PORTABLE: Readonly<Record<string, string>> = {
  client_encoding: "UTF8",
  timezone: "UTC",
  datestyle: "ISO, MDY",
  intervalstyle: "postgres",
  extra_float_digits: "3",
  bytea_output: "hex",
  lc_monetary: "C",
  xmloption: "content",
  standard_conforming_strings: "on",
  quote_all_identifiers: "off",
  check_function_bodies: "off",
  // A row that a policy would hide is an error, not one row less.
  row_security: "off",
  synchronize_seqscans: "off",
  default_tablespace: "",
  // Queries of catalogs are short, and compiling them takes longer than they do.
  jit: "off",
  // It takes as long as it takes; whoever wants an end to it ends the session.
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  transaction_timeout: "0",
};

/**
 * Runs work in a transaction of its own, under settings that are the same everywhere. With `lock`, a statement that
 * takes no snapshot, everything after that is in one snapshot.
 */
export async function inPortableTransaction<T>(
  client: ClientBase,
  { schema, lock }: { schema: string; lock?: string },
  work: () => Promise<T>,
): Promise<T> {
  await client.query(lock === undefined ? "begin" : "begin isolation level repeatable read");
  try {
    if (lock !== undefined && lock !== "") await client.query(lock);
    await client.query(
      `select set_config(s.name, s.value, true) from jsonb_each_text($1) as s (name, value)
       where s.name in (select name from pg_settings)`,
      [JSON.stringify(PORTABLE)],
    );
    await client.query("select set_config('search_path', $1, true)", [await searchPathOf(client, schema)]);
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    // The first failure is the one to tell; when the session is gone, so is the transaction.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}
