import type { ClientBase } from "pg";
import { searchPathOf } from "../fingerprint/search-path.ts";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { moveNames } from "./move-names.ts";

/** Fills the copy's tables, and gives the number of rows by table. */
export async function copyRows(
  client: ClientBase,
  { from, to, settings }: { from: string; to: string; settings: Readonly<Record<string, string>> },
): Promise<Record<string, number>> {
  const tables = await withSettings(client, { search_path: await searchPathOf(client, from) }, () =>
    readTables(client, from),
  );
  const inserts = await Promise.all(
    tables.map(async ({ name, columns }) => {
      const source = `${quoteIdentifier(from)}.${quoteIdentifier(name)}`;
      const target = `${quoteIdentifier(to)}.${quoteIdentifier(name)}`;
      const names = columns.map((column) => column.name).join(", ");
      const values = (await Promise.all(columns.map(({ value }) => moveNames(value, { from, to })))).join(", ");
      // The defaults of a table without a column to copy are those that PostgreSQL computes.
      return names === ""
        ? `insert into ${target} select from only ${source}`
        : `insert into ${target} (${names}) overriding system value select ${values} from only ${source}`;
    }),
  );
  const results = await withSettings(client, settings, () => queryAll(client, inserts));
  return Object.fromEntries(tables.map(({ name }, index) => [name, results[index]?.rowCount ?? 0]));
}

interface TableColumns {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly value: string }[];
}

/** Tables with their stored columns. A value of a type that the copy has its own of goes over as text. */
async function readTables(client: ClientBase, schema: string): Promise<TableColumns[]> {
  const { rows } = await client.query<TableColumns>(
    `select c.relname as name, coalesce(jsonb_agg(jsonb_build_object('name', quote_ident(a.attname), 'value',
         case when t.typnamespace = n.oid and not exists (select from pg_depend e where e.classid = 'pg_type'::regclass
             and e.objid = coalesce(nullif(t.typelem, 0), t.oid) and e.deptype = 'e')
           then format('%I::text::%s', a.attname, format_type(a.atttypid, a.atttypmod))
           else quote_ident(a.attname) end) order by a.attnum)
         filter (where a.attnum is not null and a.attgenerated = ''), '[]') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_type t on t.oid = a.atttypid
     where n.nspname = $1 and c.relkind = 'r' group by c.oid, c.relname order by c.relname collate "C"`,
    [schema],
  );
  return rows;
}
