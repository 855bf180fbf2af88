import type { ClientBase } from "pg";
import { differencesOf } from "../fingerprint/describe-difference.ts";
import { readStructure } from "../fingerprint/read-structure.ts";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";
import { definitionsAfterData, definitionsBeforeData } from "./schema-definitions.ts";

/** The size of a copy. */
export interface CopySize {
  readonly tables: number;
  readonly rows: number;
  /** On disk, indexes included. */
  readonly bytes: number;
}

/**
 * Makes a true copy of a schema: every kind of object, all rows, the states of sequences, owners, rights and comments.
 * Nobody else may write to the schema until the caller's transaction ends.
 *
 * The definitions are read with the schema as the search path, which leaves its name out of them, and run with the copy
 * as the search path. Afterwards both structures are compared object by object, so that a kind of object that is not
 * copied is an error and never a silent loss.
 *
 * @throws CopyUnsupportedError when the copy would not be true; the caller must roll back
 */
export async function createSchemaCopy(
  client: ClientBase,
  { from, to }: { from: string; to: string },
): Promise<CopySize> {
  await refuseOwnName(client, from);
  const owner = await ownerOf(client, from);
  const source = quoteIdentifier(from);
  const target = quoteIdentifier(to);
  const before = await withSettings(client, { search_path: source }, () => definitionsBeforeData(client, from));
  const after = await withSettings(client, { search_path: source }, () => definitionsAfterData(client, from));
  await client.query(`create schema ${target} authorization ${quoteIdentifier(owner)}`);
  if (await isClosed(client, from)) await client.query(`revoke all on schema ${target} from public`);
  let rows = 0;
  const settings = { role: owner, search_path: target, check_function_bodies: "off" };
  await withSettings(client, settings, () => runAll(client, from, before));
  await withoutForcedRowSecurity(client, from, async () => {
    rows = await copyRows(client, from, to, owner);
  });
  await withSettings(client, settings, async () => {
    await copySequences(client, from, to);
    await runAll(client, from, after);
  });
  const differences = [...differencesOf(await readStructure(client, from), await readStructure(client, to))];
  if (differences.length > 0) throw new CopyUnsupportedError(from, differences);
  return sizeOf(client, to, rows);
}

/** Drops a copy, if it is there. */
export async function dropSchemaCopy(client: ClientBase, copy: string): Promise<void> {
  await client.query(`drop schema if exists ${quoteIdentifier(copy)} cascade`);
}

/** Text that PostgreSQL does not follow when a schema is copied or renamed must not name the schema. */
async function refuseOwnName(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = $1 and position($1 in coalesce(p.prosrc, '') || coalesce(array_to_string(p.proconfig, ' '), '')) > 0`,
    [schema],
  );
  if (rows.length === 0) return;
  throw new CopyUnsupportedError(
    schema,
    rows.map(({ name }) => `function ${name} names the schema in its text`),
  );
}

async function ownerOf(client: ClientBase, schema: string): Promise<string> {
  const { rows } = await client.query<{ owner: string }>(
    "select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = $1",
    [schema],
  );
  const [row] = rows;
  if (row === undefined) throw new CopyUnsupportedError(schema, ["there is no such schema"]);
  return row.owner;
}

/** Whether the schema's rights were ever changed, which PostgreSQL remembers even where they are the same. */
async function isClosed(client: ClientBase, schema: string): Promise<boolean> {
  const { rowCount } = await client.query("select from pg_namespace where nspname = $1 and nspacl is not null", [
    schema,
  ]);
  return rowCount === 1;
}

async function runAll(client: ClientBase, schema: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    await client.query(statement).catch((cause: unknown) => {
      if (!(cause instanceof Error) || !("code" in cause) || !/^(0A|2B|42|22)/.test(String(cause.code))) throw cause;
      throw new CopyUnsupportedError(schema, [`${statement.slice(0, 120)}: ${cause.message}`], { cause });
    });
  }
}

async function copyRows(client: ClientBase, from: string, to: string, owner: string): Promise<number> {
  const tables = await withSettings(client, { search_path: quoteIdentifier(from) }, () => readTables(client, from));
  let copied = 0;
  for (const { name, columns } of tables) {
    const source = `${quoteIdentifier(from)}.${quoteIdentifier(name)}`;
    const target = `${quoteIdentifier(to)}.${quoteIdentifier(name)}`;
    const names = columns.map((column) => column.name).join(", ");
    const values = columns.map((column) => column.value).join(", ");
    const into = names === "" ? target : `${target} (${names}) overriding system value`;
    const { rowCount } = await withSettings(client, { role: owner, search_path: quoteIdentifier(to) }, () =>
      client.query(`insert into ${into} select ${values} from only ${source}`),
    );
    const { rows: counted } = await client.query<{ count: string }>(
      `select count(*)::text as count from only ${source}`,
    );
    if (Number(counted[0]?.count) !== rowCount) {
      throw new CopyUnsupportedError(from, [
        `${name} has ${counted[0]?.count} rows, of which ${rowCount} could be read`,
      ]);
    }
    copied += rowCount ?? 0;
  }
  return copied;
}

interface TableColumns {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly value: string }[];
}

/** Tables with their stored columns. A value of a type that the copy has its own of goes over as text. */
async function readTables(client: ClientBase, schema: string): Promise<TableColumns[]> {
  const { rows } = await client.query<TableColumns>(
    `select c.relname as name, coalesce(jsonb_agg(jsonb_build_object('name', quote_ident(a.attname), 'value',
         case when t.typnamespace = n.oid then format('%I::text::%s', a.attname, format_type(a.atttypid, a.atttypmod))
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

async function copySequences(client: ClientBase, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'S'`,
    [from],
  );
  for (const { name } of rows) {
    const sequence = quoteIdentifier(name);
    const target = quoteLiteral(`${quoteIdentifier(to)}.${sequence}`);
    await client.query(
      `select setval(${target}::regclass, last_value, is_called) from ${quoteIdentifier(from)}.${sequence}`,
    );
  }
}

async function sizeOf(client: ClientBase, schema: string, rows: number): Promise<CopySize> {
  const { rows: sizes } = await client.query<{ tables: number; bytes: string }>(
    `select count(*)::int as tables, coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r'`,
    [schema],
  );
  return { tables: sizes[0]?.tables ?? 0, rows, bytes: Number(sizes[0]?.bytes ?? 0) };
}
