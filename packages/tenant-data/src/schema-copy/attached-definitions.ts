import { isNotDerived, isNotOfExtension } from "../live-objects.ts";
import type { Content } from "../fingerprint/schema-contents.ts";
import { type DefinitionQuery, RELATIONS } from "./definition-query.ts";

const FUNCTION_KIND = "case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end";

/** `p.oid::regprocedure` would name an aggregate over nothing in a way that no statement takes. */
const FUNCTION = `${FUNCTION_KIND} || ' ' || case when p.prokind = 'a' then format('%I(%s)', p.proname,
    case when p.pronargs = 0 then '*' else pg_get_function_identity_arguments(p.oid) end)
  else p.oid::regprocedure::text end`;

const ON_TYPE = "case t.typtype when 'd' then 'domain' else 'type' end";

/** The schema's number. */
const SCHEMA = "(select n.oid from pg_namespace n where n.nspname = $1)";

/** Comments on objects of one catalog. `target` names an object `o` in a statement. */
function commentsOn(target: string, objects: string, about?: Content): DefinitionQuery {
  return {
    kind: "comment",
    ...(about === undefined ? {} : { about }),
    sql: `select null as key, format('comment on %s is %L', ${target}, d.description) as statement
      from ${objects} where d.description is not null`,
  };
}

/** The description `d` of an object. */
function described(catalog: string, oid: string): string {
  return `join pg_description d on d.classoid = '${catalog}'::regclass and d.objoid = ${oid}`;
}

const RELATION_KIND = `case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'i' then 'index'
  when 'I' then 'index' when 'm' then 'materialized view' when 'c' then 'type' else 'table' end`;

const OF_RELATION = `pg_class c on c.relnamespace = ${SCHEMA}`;

/** Comments on all kinds of objects. */
const COMMENTS: readonly DefinitionQuery[] = [
  commentsOn(
    `case when d.objsubid = 0 then format('%s %I', ${RELATION_KIND}, c.relname)
       else format('column %I.%I', c.relname, (select a.attname from pg_attribute a
         where a.attrelid = c.oid and a.attnum = d.objsubid)) end`,
    `pg_namespace n join pg_class c on c.relnamespace = n.oid and n.nspname = $1
       and ${isNotOfExtension("pg_class", "c.oid")} ${described("pg_class", "c.oid")}`,
    "comment",
  ),
  commentsOn(
    `format('constraint %I on %s', k.conname, coalesce((select quote_ident(c.relname) from pg_class c
       where c.oid = k.conrelid), (select 'domain ' || quote_ident(t.typname) from pg_type t where t.oid = k.contypid)))`,
    `pg_namespace n join pg_constraint k on k.connamespace = n.oid and n.nspname = $1 ${described("pg_constraint", "k.oid")}`,
    "comment",
  ),
  commentsOn(
    FUNCTION,
    `pg_namespace n join pg_proc p on p.pronamespace = n.oid and n.nspname = $1 and ${isNotDerived("p.proname")}
       and ${isNotOfExtension("pg_proc", "p.oid")} ${described("pg_proc", "p.oid")}`,
    "function",
  ),
  commentsOn(
    `format('%s %I', ${ON_TYPE}, t.typname)`,
    `pg_namespace n join pg_type t on t.typnamespace = n.oid and n.nspname = $1
       and ${isNotOfExtension("pg_type", "t.oid")} ${described("pg_type", "t.oid")}`,
    "type",
  ),
  commentsOn(
    "format('trigger %I on %I', g.tgname, c.relname)",
    `pg_trigger g join ${OF_RELATION} and c.oid = g.tgrelid ${described("pg_trigger", "g.oid")}
       and ${isNotDerived("g.tgname")}`,
    "trigger",
  ),
  commentsOn(
    "format('rule %I on %I', r.rulename, c.relname)",
    `pg_rewrite r join ${OF_RELATION} and c.oid = r.ev_class ${described("pg_rewrite", "r.oid")}`,
    "rule",
  ),
  commentsOn(
    "format('policy %I on %I', p.polname, c.relname)",
    `pg_policy p join ${OF_RELATION} and c.oid = p.polrelid ${described("pg_policy", "p.oid")}
       and ${isNotDerived("p.polname")}`,
    "policy",
  ),
  commentsOn(
    "format('statistics %I', s.stxname)",
    `pg_statistic_ext s ${described("pg_statistic_ext", "s.oid")} and s.stxnamespace = ${SCHEMA}`,
    "statistics",
  ),
];

/**
 * Rights on objects of one catalog, given as rows (target, part, acl, owner), to others than the owner, or taken from
 * everybody. `type` is the kind of `pg_default_acl`.
 */
function grantsOn(type: "r" | "S" | "f" | "T" | "c", objects: string, about?: Content): DefinitionQuery {
  return {
    kind: "grant",
    ...(about === undefined ? {} : { about }),
    sql: `with mine as materialized (
        select o.*, d.defaclacl as given from (${objects}) o
          -- What the role's default rights give to each new object, whatever its schema.
          left join pg_default_acl d on d.defaclnamespace = 0 and d.defaclrole = o.owner and d.defaclobjtype = '${type}'
        where o.acl is not null or d.oid is not null
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
        from mine m cross join lateral aclexplode(coalesce(m.acl, acldefault('${type === "S" ? "s" : type}', m.owner))) a
        where a.grantee <> m.owner
      ) statements order by rank`,
  };
}

/** Rights on all kinds of objects. */
const GRANTS: readonly DefinitionQuery[] = [
  grantsOn(
    "r",
    `select format('table %I', c.relname) as target, null::text as part, c.relacl as acl, c.relowner as owner
     from ${RELATIONS} where c.relkind in ('r', 'p', 'v', 'm')`,
    "grant",
  ),
  grantsOn(
    "S",
    `select format('sequence %I', c.relname) as target, null::text as part, c.relacl as acl, c.relowner as owner
     from ${RELATIONS} where c.relkind = 'S'`,
    "grant",
  ),
  grantsOn(
    "c",
    `select format('table %I', c.relname) as target, format('(%I)', a.attname) as part, a.attacl as acl, c.relowner as owner
     from ${RELATIONS} join pg_attribute a on a.attrelid = c.oid where a.attacl is not null`,
    "grant",
  ),
  grantsOn(
    "f",
    `select ${FUNCTION.replaceAll("'aggregate'", "'function'")} as target, null::text as part, p.proacl as acl,
       p.proowner as owner
     from pg_proc p where p.pronamespace = ${SCHEMA} and ${isNotDerived("p.proname")}
       and ${isNotOfExtension("pg_proc", "p.oid")}`,
    "function",
  ),
  grantsOn(
    "T",
    `select format('%s %I', ${ON_TYPE}, t.typname) as target, null::text as part, t.typacl as acl, t.typowner as owner
     from pg_type t left join pg_class c on c.oid = t.typrelid
     where t.typnamespace = ${SCHEMA} and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')
       and ${isNotOfExtension("pg_type", "t.oid")}`,
    "type",
  ),
];

/** What is attached to all kinds of objects. */
export const ATTACHED_DEFINITIONS: readonly DefinitionQuery[] = [...COMMENTS, ...GRANTS];
