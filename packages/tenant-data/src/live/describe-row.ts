import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/** The row's primary key as JSON; where there is none, its place. */
export async function describeRow(client: ClientBase, leaf: string, place: string): Promise<string> {
  const { rows: keys } = await client.query<{ name: string }>(
    `select a.attname as name from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indrelid = $1::regclass and i.indisprimary`,
    [leaf],
  );
  if (keys.length === 0) return `at ${place} (it has no key)`;
  const list = keys.map(({ name }) => quoteIdentifier(name)).join(", ");
  const { rows } = await client.query<{ key: string }>(
    `select to_jsonb(k)::text as key from (select ${list} from only ${leaf} where ctid = $1::tid) as k`,
    [place],
  );
  return rows[0]?.key ?? `at ${place}`;
}
