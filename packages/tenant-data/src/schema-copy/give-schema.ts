import type { ClientBase } from "pg";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier } from "../quote-identifier.ts";

/** What PostgreSQL calls a kind of object, where `alter … owner` has another word for it. */
const WORDS: Readonly<Record<string, string>> = {
  function: "routine",
  procedure: "routine",
  aggregate: "routine",
  "statistics object": "statistics",
};

/**
 * Makes another role the owner of a schema and of all that its owner has in it, in the caller's transaction. What the
 * owner has elsewhere, which `reassign owned` would take too, stays as it is. Rights that the schema's default rights
 * give to objects that are made later stay with the owner of before.
 */
export async function giveSchema(
  client: ClientBase,
  { schema, owner }: { schema: string; owner: string },
): Promise<void> {
  const { rows } = await client.query<{ type: string; identity: string }>(
    `select o.type, o.identity
     from pg_namespace n
       join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = n.nspowner and d.deptype = 'o'
         and d.dbid = (select oid from pg_database where datname = current_database())
       cross join lateral pg_identify_object(d.classid, d.objid, 0) o
     where n.nspname = $1 and o.schema = n.nspname
       -- The sequence of a column goes with its table.
       and not exists (select from pg_depend own where own.classid = d.classid and own.objid = d.objid
         and d.classid = 'pg_class'::regclass and own.refclassid = 'pg_class'::regclass and own.deptype in ('a', 'i')
         and o.type = 'sequence')`,
    [schema],
  );
  const to = `owner to ${quoteIdentifier(owner)}`;
  await queryAll(client, [
    `alter schema ${quoteIdentifier(schema)} ${to}`,
    ...rows.map(({ type, identity }) => `alter ${WORDS[type] ?? type} ${identity} ${to}`),
  ]);
}
