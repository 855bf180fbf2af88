import type { ClientBase } from "pg";
import { definitions } from "./definitions.ts";

interface View {
  readonly oid: number;
  readonly statement: string;
  readonly needs: readonly number[];
}

/** Views and materialized views, each after those that it reads. */
export async function viewDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<View>(
    `select c.oid::bigint::float8 as oid,
       format('create %sview %I%s as %s%s', case c.relkind when 'm' then 'materialized ' else '' end, c.relname,
         coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''), rtrim(pg_get_viewdef(c.oid), ';'),
         case when c.relkind = 'm' and not c.relispopulated then ' with no data' else '' end) as statement,
       array(select distinct d.refobjid::bigint::float8 from pg_rewrite r join pg_depend d on d.objid = r.oid
         and d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
         where r.ev_class = c.oid and d.refobjid <> c.oid) as needs
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('v', 'm') order by c.oid`,
    [schema],
  );
  const views = new Map(rows.map((view) => [view.oid, view]));
  const ordered: string[] = [];
  const visit = (view: View): void => {
    if (!views.delete(view.oid)) return;
    for (const need of view.needs) {
      const other = views.get(need);
      if (other !== undefined) visit(other);
    }
    ordered.push(view.statement);
  };
  for (const view of rows) visit(view);
  const indexes = await definitions(
    client,
    schema,
    `select replace(pg_get_indexdef(i.indexrelid), ' ' || quote_ident($1) || '.', ' ') as statement from pg_index i join pg_class c on c.oid = i.indrelid
       join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'm' order by i.indexrelid`,
  );
  return [...ordered, ...indexes];
}

export async function ruleDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select replace(pg_get_ruledef(r.oid), ' ' || quote_ident($1) || '.', ' ') as statement
     from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and r.rulename <> '_RETURN' order by r.oid`,
  );
}

/** Triggers, and those that are switched off or on for replicas. */
export async function triggerDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  const triggers = await definitions(
    client,
    schema,
    `select replace(pg_get_triggerdef(t.oid, true), ' ' || quote_ident($1) || '.', ' ') as statement
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and not t.tgisinternal and t.tgparentid = 0 order by t.oid`,
  );
  const states = await definitions(
    client,
    schema,
    `select format('alter table %I %s trigger %I', c.relname, case t.tgenabled when 'D' then 'disable'
         when 'A' then 'enable always' else 'enable replica' end, t.tgname) as statement
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and not t.tgisinternal and t.tgenabled <> 'O' order by t.oid`,
  );
  return [...triggers, ...states];
}

/** Row-level security. */
export async function policyDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  const policies = await definitions(
    client,
    schema,
    `select concat_ws(' ', format('create policy %I on %I as %s for %s to %s', p.polname, c.relname,
         case when p.polpermissive then 'permissive' else 'restrictive' end,
         case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
           else 'all' end,
         (select string_agg(case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ')
          from unnest(p.polroles) r)),
       'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
       'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') as statement
     from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 order by p.oid`,
  );
  const tables = await definitions(
    client,
    schema,
    `select format('alter table only %I %s', c.relname, concat_ws(', ',
         case when c.relrowsecurity then 'enable row level security' end,
         case when c.relforcerowsecurity then 'force row level security' end)) as statement
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and (c.relrowsecurity or c.relforcerowsecurity)`,
  );
  return [...policies, ...tables];
}
