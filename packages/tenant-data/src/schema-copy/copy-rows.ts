import type { ClientBase } from "pg";
import { queryAllUnder } from "../query-all.ts";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { moveNames } from "./move-names.ts";

/** What fills a copy. */
export interface RowStatements {
  /** One by table. */
  readonly inserts: readonly { readonly table: string; readonly statement: string }[];
  /** Give the copy's sequences the positions that the schema's have when they run. */
  readonly positions: readonly string[];
}

/** Makes the statements that fill a copy's tables and set its sequences. */
export async function readRowStatements(
  client: ClientBase,
  { from, to, searchPath }: { from: string; to: string; searchPath: string },
): Promise<RowStatements> {
  const [tables, sequences] = await queryAllUnder(
    client,
    { search_path: searchPath },
    [TABLES, SEQUENCES].map((sql) => sql.replaceAll("$1", () => quoteLiteral(from))),
  );
  const inserts = (tables?.rows ?? []).map(async ({ name, columns, values }: TableColumns) => {
    const source = `${quoteIdentifier(from)}.${quoteIdentifier(name)}`;
    const target = `${quoteIdentifier(to)}.${quoteIdentifier(name)}`;
    // The defaults of a table without a column to copy are those that PostgreSQL computes.
    const statement =
      columns === null || values === null
        ? `insert into ${target} select from only ${source}`
        : `insert into ${target} (${columns}) overriding system value select ${await moveNames(values, { from, to })} ` +
          `from only ${source}`;
    return { table: name, statement };
  });
  const positions = (sequences?.rows ?? []).map(({ name }: { name: string }) => {
    const sequence = quoteIdentifier(name);
    const target = quoteLiteral(`${quoteIdentifier(to)}.${sequence}`);
    return `select setval(${target}::regclass, last_value, is_called) from ${quoteIdentifier(from)}.${sequence}`;
  });
  return { inserts: await Promise.all(inserts), positions };
}

interface TableColumns {
  readonly name: string;
  /** Lists in SQL; null for a table without columns. */
  readonly columns: string | null;
  readonly values: string | null;
}

/** Tables with their stored columns. A value of a type that the copy has its own of goes over as text. */
const TABLES = `select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
    string_agg(case when t.typnamespace = n.oid and not exists (select from pg_depend e
        where e.classid = 'pg_type'::regclass and e.objid = coalesce(nullif(t.typelem, 0), t.oid) and e.deptype = 'e')
      then format('%I::text::%s', a.attname, format_type(a.atttypid, a.atttypmod))
      else quote_ident(a.attname) end, ', ' order by a.attnum) as values
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    left join pg_type t on t.oid = a.atttypid
  where n.nspname = $1 and c.relkind = 'r' group by c.oid, c.relname order by c.relname collate "C"`;

const SEQUENCES = `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relkind = 'S'
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')`;
