import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/**
 * Runs work that must see every row. Row-level security that is forced on a table's owner would hide rows without a
 * word; it is lifted in the caller's transaction, where nobody else sees that, and put back.
 */
export async function withoutForcedRowSecurity<T>(
  client: ClientBase,
  schema: string,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and c.relforcerowsecurity`,
    [schema],
  );
  const tables = rows.map(({ name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  for (const table of tables) await client.query(`alter table ${table} no force row level security`);
  const result = await work();
  for (const table of tables) await client.query(`alter table ${table} force row level security`);
  return result;
}
