import type { ClientBase } from "pg";
import { createHash } from "node:crypto";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { VersionModel } from "./version-model.ts";

/**
 * The schema of a version's views. It is there while several versions are live; in front of the data's own schema in the
 * search path it gives each version its tables, and when it is not there PostgreSQL passes over it.
 */
export function viewSchemaName(schema: string, version: string): string {
  const name = `${schema}@${version}`;
  if (Buffer.byteLength(name, "utf8") <= 63) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const start = Buffer.from(schema, "utf8")
    .subarray(0, 63 - 17)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
  return `${start}@${hash}`;
}

/** Makes the views of a version in its schema, which must be there; views that were in it are replaced. */
export async function createViews(client: ClientBase, place: VersionPlace): Promise<void> {
  for (const statement of await viewStatements(client, place)) await client.query(statement);
}

export interface VersionPlace {
  readonly schema: string;
  readonly version: string;
  readonly model: VersionModel;
}

/** What makes the views of a version, as the tables are now. */
export async function viewStatements(client: ClientBase, { schema, version, model }: VersionPlace): Promise<string[]> {
  const views = quoteIdentifier(viewSchemaName(schema, version));
  const base = quoteIdentifier(schema);
  const statements = await dropStatements(client, schema, version);
  for (const { name, relation, columns } of model.tables) {
    const view = `${views}.${quoteIdentifier(name)}`;
    const list = columns.map((column) => `${quoteIdentifier(column.column)} as ${quoteIdentifier(column.name)}`);
    // With the rights and row-level security of who asks.
    statements.push(
      `create view ${view} with (security_invoker = true) as select ${list.join(", ")} from ${base}.${quoteIdentifier(relation)}`,
    );
    for (const column of columns) {
      if (column.default === undefined) continue;
      // A default that is the constant null would be no default, and the table's own would take its place.
      const value =
        column.default ?? `nullif(0, 0)::text::${await typeOf(client, { schema, relation }, column.column)}`;
      statements.push(`alter view ${view} alter column ${quoteIdentifier(column.name)} set default ${value}`);
    }
  }
  return [...statements, ...(await grantStatements(client, { schema, version, model }))];
}

async function typeOf(
  client: ClientBase,
  { schema, relation }: { schema: string; relation: string },
  column: string,
): Promise<string> {
  const { rows } = await client.query<{ type: string }>(
    `select format_type(a.atttypid, a.atttypmod) as type from pg_attribute a
     where a.attrelid = to_regclass($1) and a.attname = $2`,
    [`${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`, column],
  );
  return rows[0]?.type ?? "text";
}

/** The schema stays, since not everybody may make one. */
async function dropStatements(client: ClientBase, schema: string, version: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'v'`,
    [viewSchemaName(schema, version)],
  );
  const views = quoteIdentifier(viewSchemaName(schema, version));
  if (rows.length === 0) return [];
  return [`drop view ${rows.map(({ name }) => `${views}.${quoteIdentifier(name)}`).join(", ")}`];
}

/** Drops the schema of a version's views, and them. */
export async function dropVersionSchema(client: ClientBase, schema: string, version: string): Promise<void> {
  await client.query(`drop schema if exists ${quoteIdentifier(viewSchemaName(schema, version))} cascade`);
}

/** Whoever has rights on the tables has the same on the views, and needs both. */
async function grantStatements(client: ClientBase, { schema, version, model }: VersionPlace): Promise<string[]> {
  const views = viewSchemaName(schema, version);
  const { rows } = await client.query<{ statement: string }>(
    `with views as (
       select * from jsonb_to_recordset($3::jsonb) as v (name text, relation text, columns jsonb)
     ), tables as (
       select v.name, v.columns, c.oid, c.relacl, c.relowner from views v
         join pg_class c on c.relname = v.relation join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1
     )
     select format('grant %s on %I.%I to %s%s', a.privilege_type, $2::text, t.name,
         case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
         case when a.is_grantable then ' with grant option' else '' end) as statement
       from tables t cross join lateral aclexplode(t.relacl) a
       where a.grantee <> t.relowner and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
     union all
     select format('grant %s (%I) on %I.%I to %s', x.privilege_type, m.name, $2::text, t.name,
         case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end)
       from tables t cross join lateral jsonb_to_recordset(t.columns) as m (name text, "column" text)
         join pg_attribute at on at.attrelid = t.oid and at.attname = m."column"
         cross join lateral aclexplode(at.attacl) x
       where x.privilege_type in ('SELECT', 'INSERT', 'UPDATE')
     union all
     select format('grant usage on schema %I to %s', $2::text,
         case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
       from pg_namespace n cross join lateral aclexplode(n.nspacl) a
       where n.nspname = $1 and a.grantee <> n.nspowner and a.privilege_type = 'USAGE'`,
    [schema, views, JSON.stringify(model.tables)],
  );
  return rows.map(({ statement }) => statement);
}
