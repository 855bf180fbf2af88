import type { ClientBase } from "pg";
import { definitions } from "./definitions.ts";

/** Comments on all kinds of objects. */
export function commentDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select format('comment on %s is %L', target, description) as statement from (
       select case when d.objsubid > 0 then format('column %I.%I', c.relname, a.attname)
           else format('%s %I', case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'i' then 'index'
             when 'I' then 'index' when 'm' then 'materialized view' when 'c' then 'type' else 'table' end, c.relname)
         end as target, d.description, c.relnamespace as namespace
       from pg_description d join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
         left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
       union all
       select format('constraint %I on %s', k.conname,
           coalesce(format('%I', c.relname), format('domain %I', t.typname))), d.description, k.connamespace
       from pg_description d join pg_constraint k on k.oid = d.objoid and d.classoid = 'pg_constraint'::regclass
         left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
       union all
       select format('%s %s', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure),
         d.description, p.pronamespace
       from pg_description d join pg_proc p on p.oid = d.objoid and d.classoid = 'pg_proc'::regclass
       union all
       select format('%s %I', case t.typtype when 'd' then 'domain' else 'type' end, t.typname), d.description,
         t.typnamespace
       from pg_description d join pg_type t on t.oid = d.objoid and d.classoid = 'pg_type'::regclass
       union all
       select format('trigger %I on %I', g.tgname, c.relname), d.description, c.relnamespace
       from pg_description d join pg_trigger g on g.oid = d.objoid and d.classoid = 'pg_trigger'::regclass
         join pg_class c on c.oid = g.tgrelid
       union all
       select format('policy %I on %I', p.polname, c.relname), d.description, c.relnamespace
       from pg_description d join pg_policy p on p.oid = d.objoid and d.classoid = 'pg_policy'::regclass
         join pg_class c on c.oid = p.polrelid
     ) comments join pg_namespace n on n.oid = comments.namespace where n.nspname = $1`,
  );
}

/** Rights given to others than the owner, and default rights that were taken away. */
export function grantDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `with objects as (
       select format('%s %I', case c.relkind when 'S' then 'sequence' else 'table' end, c.relname) as target,
         null::text as part, c.relacl as acl, c.relowner as owner, c.relnamespace as namespace, false as public_default
       from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'S')
       union all
       select format('table %I', c.relname), format('(%I)', a.attname), a.attacl, c.relowner, c.relnamespace, false
       from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attacl is not null
       union all
       select format('%s %s', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure), null,
         p.proacl, p.proowner, p.pronamespace, true
       from pg_proc p where p.prokind <> 'a'
       union all
       select format('type %I', t.typname), null, t.typacl, t.typowner, t.typnamespace, true
       from pg_type t left join pg_class c on c.oid = t.typrelid
       where t.typtype in ('e', 'd', 'r') or c.relkind = 'c'
     ), mine as (select o.* from objects o join pg_namespace n on n.oid = o.namespace where n.nspname = $1)
     select format('revoke all on %s from public', target) as statement from mine where public_default and acl is not null
     union all
     select format('grant %s%s on %s to %s%s', a.privilege_type, ' ' || m.part, m.target,
       case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
       case when a.is_grantable then ' with grant option' else '' end)
     from mine m cross join lateral aclexplode(m.acl) a where a.grantee <> m.owner`,
  );
}
