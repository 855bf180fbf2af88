import type { ClientBase } from "pg";
import { isNotOfExtension } from "../live-objects.ts";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";

/**
 * Keeps a schema's tables from being changed in their structure, rewritten or truncated until the transaction ends;
 * who reads and writes rows goes on. A table that was truncated or rewritten between the transaction's snapshot and this
 * lock would look empty: that is SQLSTATE 40001, to be tried again.
 */
export async function lockStructure(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and ${isNotOfExtension("pg_class", "c.oid")}
     order by c.relname collate "C"`,
    [schema],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => `only ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  // The function knows what is now, the column what the snapshot saw.
  const [, changed] = await queryAll(client, [
    `lock table ${names.join(", ")} in access share mode`,
    `select from pg_class c where c.relnamespace = (select n.oid from pg_namespace n where n.nspname = ${quoteLiteral(schema)})
       and c.relkind = 'r' and pg_relation_filenode(c.oid) is distinct from nullif(c.relfilenode, 0)`,
  ]);
  if (changed === undefined || changed.rows.length === 0) return;
  await client.query(
    `do $$ begin raise exception 'a table was truncated or rewritten while its copy began' using errcode = '40001'; end $$`,
  );
}
