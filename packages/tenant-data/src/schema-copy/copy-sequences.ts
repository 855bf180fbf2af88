import type { ClientBase } from "pg";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";

/** Gives the copy's sequences the positions that the schema's have now. */
export async function copySequences(client: ClientBase, { from, to }: { from: string; to: string }): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'S'
       and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')`,
    [from],
  );
  await queryAll(
    client,
    rows.map(({ name }) => {
      const sequence = quoteIdentifier(name);
      const target = quoteLiteral(`${quoteIdentifier(to)}.${sequence}`);
      return `select setval(${target}::regclass, last_value, is_called) from ${quoteIdentifier(from)}.${sequence}`;
    }),
  );
}
