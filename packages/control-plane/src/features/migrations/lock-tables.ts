import type { ClientBase } from "pg";
import { quoteIdentifier } from "@aibos/tenant-data";

/**
 * Keeps writers out of all tables of a schema until the transaction ends, so that a copy is of one moment. Readers go
 * on. Fails with 55P03 when somebody else's transaction keeps a table for longer than the lock timeout.
 */
export async function lockTables(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') order by c.relname collate "C"`,
    [schema],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  await client.query(`lock table ${names.join(", ")} in share mode`);
}
