import { isNotDerived, isNotOfExtension } from "../live-objects.ts";
import type { DefinitionQuery } from "./definition-query.ts";

const FUNCTION_KIND = "case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end";

/** `p.oid::regprocedure` would name an aggregate over nothing in a way that no statement takes. */
const FUNCTION = `${FUNCTION_KIND} || ' ' || case when p.prokind = 'a' then format('%I(%s)', p.proname,
    case when p.pronargs = 0 then '*' else pg_get_function_identity_arguments(p.oid) end)
  else p.oid::regprocedure::text end`;

const ON_TYPE = "case t.typtype when 'd' then 'domain' else 'type' end";

/** Comments on all kinds of objects, and rights given to others than the owner or taken from everybody. */
export const ATTACHED_DEFINITIONS: readonly DefinitionQuery[] = [
  {
    kind: "comment",
    sql: `select null as key, format('comment on %s is %L', target, description) as statement from (
       select case when d.objsubid > 0 then format('column %I.%I', c.relname, a.attname)
           else format('%s %I', case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'i' then 'index'
             when 'I' then 'index' when 'm' then 'materialized view' when 'c' then 'type' else 'table' end, c.relname)
         end as target, d.description, c.relnamespace as namespace
       from pg_description d join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
         left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
       where ${isNotOfExtension("pg_class", "c.oid")}
       union all
       select format('constraint %I on %s', k.conname,
           coalesce(quote_ident(c.relname), 'domain ' || quote_ident(t.typname))), d.description, k.connamespace
       from pg_description d join pg_constraint k on k.oid = d.objoid and d.classoid = 'pg_constraint'::regclass
         left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
       union all
       select ${FUNCTION}, d.description, p.pronamespace
       from pg_description d join pg_proc p on p.oid = d.objoid and d.classoid = 'pg_proc'::regclass
       where ${isNotDerived("p.proname")} and ${isNotOfExtension("pg_proc", "p.oid")}
       union all
       select format('%s %I', ${ON_TYPE}, t.typname), d.description, t.typnamespace
       from pg_description d join pg_type t on t.oid = d.objoid and d.classoid = 'pg_type'::regclass
       where ${isNotOfExtension("pg_type", "t.oid")}
       union all
       select format('trigger %I on %I', g.tgname, c.relname), d.description, c.relnamespace
       from pg_description d join pg_trigger g on g.oid = d.objoid and d.classoid = 'pg_trigger'::regclass
         join pg_class c on c.oid = g.tgrelid where ${isNotDerived("g.tgname")}
       union all
       select format('rule %I on %I', r.rulename, c.relname), d.description, c.relnamespace
       from pg_description d join pg_rewrite r on r.oid = d.objoid and d.classoid = 'pg_rewrite'::regclass
         join pg_class c on c.oid = r.ev_class
       union all
       select format('policy %I on %I', p.polname, c.relname), d.description, c.relnamespace
       from pg_description d join pg_policy p on p.oid = d.objoid and d.classoid = 'pg_policy'::regclass
         join pg_class c on c.oid = p.polrelid where ${isNotDerived("p.polname")}
       union all
       select format('statistics %I', s.stxname), d.description, s.stxnamespace
       from pg_description d join pg_statistic_ext s on s.oid = d.objoid and d.classoid = 'pg_statistic_ext'::regclass
     ) comments join pg_namespace n on n.oid = comments.namespace where n.nspname = $1`,
  },
  {
    kind: "grant",
    sql: `with objects as (
       select format('%s %I', case c.relkind when 'S' then 'sequence' else 'table' end, c.relname) as target,
         null::text as part, c.relacl as acl, c.relowner as owner, c.relnamespace as namespace,
         case c.relkind when 'S' then 'S' else 'r' end as type
       from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'S') and ${isNotOfExtension("pg_class", "c.oid")}
       union all
       select format('table %I', c.relname), format('(%I)', a.attname), a.attacl, c.relowner, c.relnamespace, 'c'
       from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attacl is not null
         and ${isNotOfExtension("pg_class", "c.oid")}
       union all
       select ${FUNCTION.replaceAll("'aggregate'", "'function'")}, null, p.proacl, p.proowner, p.pronamespace, 'f'
       from pg_proc p where ${isNotDerived("p.proname")} and ${isNotOfExtension("pg_proc", "p.oid")}
       union all
       select format('%s %I', ${ON_TYPE}, t.typname), null, t.typacl, t.typowner, t.typnamespace, 'T'
       from pg_type t left join pg_class c on c.oid = t.typrelid
       where (t.typtype in ('e', 'd', 'r') or c.relkind = 'c') and ${isNotOfExtension("pg_type", "t.oid")}
     ), mine as (
       select o.*, d.defaclacl as given from objects o join pg_namespace n on n.oid = o.namespace
         -- What the role's default rights give to each new object, whatever its schema.
         left join pg_default_acl d on d.defaclnamespace = 0 and d.defaclrole = o.owner and d.defaclobjtype::text = o.type
       where n.nspname = $1 and (o.acl is not null or d.oid is not null)
     )
     select null as key, statement from (
       select 1 as rank, format('revoke all on %s from public', target) as statement from mine where part is null
       union all
       select 2, format('revoke all on %s from %I', target, pg_get_userbyid(a.grantee))
       from mine cross join lateral aclexplode(given) a where a.grantee not in (0, owner)
       union all
       select 3, format('grant %s%s on %s to %s%s', a.privilege_type, ' ' || m.part, m.target,
         case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
         case when a.is_grantable then ' with grant option' else '' end)
       from mine m cross join lateral aclexplode(coalesce(m.acl, acldefault(case m.type when 'S' then 's' else m.type end::"char",
         m.owner))) a where a.grantee <> m.owner
     ) statements order by rank`,
  },
];
