import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { renameColumns } from "./expression.ts";

interface Policy {
  readonly name: string;
  readonly head: string;
  readonly using: string | null;
  readonly check: string | null;
}

/**
 * Drops a column. Row-level security policies and statistics that use it go over to the column that took its place;
 * whatever else uses it (a view, say) keeps it, and PostgreSQL says so.
 */
export async function carryDependents(
  client: ClientBase,
  schema: string,
  { relation, column, replacement }: { relation: string; column: string; replacement?: string },
): Promise<void> {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
  const policies = replacement === undefined ? [] : await policiesOn(client, table, column);
  const statistics = replacement === undefined ? [] : await statisticsOn(client, table, column);
  for (const { name } of policies) await client.query(`drop policy ${quoteIdentifier(name)} on ${table}`);
  for (const { name } of statistics) await client.query(`drop statistics ${name}`);
  if (replacement !== undefined) {
    const names = new Map([[column, replacement]]);
    for (const { head, using, check } of policies) {
      const parts = [
        using === null ? "" : ` using (${await renameColumns(using, names)})`,
        check === null ? "" : ` with check (${await renameColumns(check, names)})`,
      ];
      await client.query(`${head}${parts.join("")}`);
    }
    for (const { name, kinds, expressions } of statistics) {
      const renamed: string[] = [];
      for (const expression of expressions) renamed.push(`(${await renameColumns(expression, names)})`);
      await client.query(`create statistics ${name}${kinds} on ${renamed.join(", ")} from ${table}`);
    }
  }
  await client.query(`alter table if exists ${table} drop column if exists ${quoteIdentifier(column)}`);
}

async function policiesOn(client: ClientBase, table: string, column: string): Promise<Policy[]> {
  const { rows } = await client.query<Policy>(
    `select p.polname as name,
       format('create policy %I on %s as %s for %s to %s', p.polname, $1::text,
         case when p.polpermissive then 'permissive' else 'restrictive' end,
         case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
         (select string_agg(case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ') from unnest(p.polroles) r)) as head,
       pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check
     from pg_policy p where p.polrelid = to_regclass($1) and exists (
       select from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
       where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = p.polrelid and a.attname = $2)`,
    [table, column],
  );
  return rows;
}

async function statisticsOn(
  client: ClientBase,
  table: string,
  column: string,
): Promise<{ name: string; kinds: string; expressions: string[] }[]> {
  const { rows } = await client.query<{ name: string; kinds: string; expressions: string[] }>(
    `select format('%I.%I', n.nspname, s.stxname) as name,
       coalesce((select ' (' || string_agg(case k when 'd' then 'ndistinct' when 'f' then 'dependencies' when 'm' then 'mcv' end, ', ')
         || ')' from unnest(s.stxkind) k where k <> 'e'), '') as kinds,
       array(select quote_ident(a.attname) from unnest(s.stxkeys) k join pg_attribute a on a.attrelid = s.stxrelid and a.attnum = k)
         || coalesce(pg_get_statisticsobjdef_expressions(s.oid), '{}') as expressions
     from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
     where s.stxrelid = to_regclass($1) and exists (
       select from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
       where d.classid = 'pg_statistic_ext'::regclass and d.objid = s.oid and a.attname = $2)`,
    [table, column],
  );
  return rows;
}
