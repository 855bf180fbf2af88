import { isNotDerived, isNotOfExtension } from "../live-objects.ts";
import { type ContentQuery, onlyWith } from "./schema-contents.ts";
import { withoutSchema } from "../schema-copy/definition-query.ts";
import { STANDALONE_CATALOGS, STANDALONE_STRUCTURE } from "../schema-copy/standalone-definitions.ts";
import { AGGREGATE_OPTIONS } from "../schema-copy/type-definitions.ts";

/** The rights on an object that its owner does not have anyway, as text. `type` is the kind of `acldefault`. */
const rights = (acl: string, owner: string, type: string): string =>
  `case when ${acl} is not null then ${explicitRights(acl, owner, type)} end`;

/** The same for kinds on which everybody has rights unless they are taken away. */
const explicitRights = (acl: string, owner: string, type: string): string => `
  (select string_agg(coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public') || ' ' || a.privilege_type ||
      case when a.is_grantable then ' grantable' else '' end, ', ' order by a.grantee::regrole::text, a.privilege_type)
    from aclexplode(coalesce(${acl}, acldefault(${type}, ${owner}))) a where a.grantee <> ${owner})`;

const comment = (oid: string, catalog: string, column = 0): string =>
  `coalesce((select d.description from pg_description d
     where d.objoid = ${oid} and d.classoid = '${catalog}'::regclass and d.objsubid = ${column}), '')`;

/** The same for what most have no comment on. */
const rareComment = (oid: string, catalog: "pg_class" | "pg_constraint", column?: number): string =>
  onlyWith("comment", comment(oid, catalog, column), "''::text");

const TABLESPACE = "(select s.spcname from pg_tablespace s where s.oid = c.reltablespace)";

/** Each gives rows (object, definition) for the schema named by $1, which must be the search_path. */
export const STRUCTURE_QUERIES: readonly ContentQuery[] = [
  {
    sql: `select 'schema' as object, jsonb_build_array(${rights("n.nspacl", "n.nspowner", "'n'")}, pg_get_userbyid(n.nspowner),
     ${comment("n.oid", "pg_namespace")})::text as definition
   from pg_namespace n where n.nspname = $1`,
  },

  {
    sql: `select case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
       when 'c' then 'composite' else 'table' end || ' ' || quote_ident(c.relname) as object,
     jsonb_build_array(c.relkind, c.relpersistence, array_to_string(c.reloptions, ','), c.relrowsecurity,
       c.relforcerowsecurity, c.relreplident, pg_get_userbyid(c.relowner), ${rights("c.relacl", "c.relowner", "case c.relkind when 'S' then 's' else 'r' end::\"char\"")},
       pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
       (select string_agg(i.inhparent::regclass::text, ',' order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid),
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
       case when c.relkind = 'm' then c.relispopulated end, ${rareComment("c.oid", "pg_class")},
       (select am.amname from pg_am am where am.oid = c.relam), ${TABLESPACE},
       (select array_to_string(t.reloptions, ',') from pg_class t where t.oid = c.reltoastrelid))::text as definition
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind not in ('i', 'I', 't') and ${isNotOfExtension("pg_class", "c.oid")}`,
  },

  {
    sql: `select 'column ' || quote_ident(c.relname) || '.' || quote_ident(a.attname) as object,
     jsonb_build_array(row_number() over (partition by c.oid order by a.attnum),
       format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
       pg_get_expr(d.adbin, d.adrelid), co.collname, a.attstorage, a.attcompression, a.attstattarget, case when not c.relispartition then a.attislocal end,
       a.attinhcount, array_to_string(a.attoptions, ','), ${rights("a.attacl", "c.relowner", "'c'")},
       ${rareComment("c.oid", "pg_class", 0).replace("d.objsubid = 0", "d.objsubid = a.attnum")})::text as definition
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     left join pg_collation co on co.oid = a.attcollation
       and a.attcollation <> (select t.typcollation from pg_type t where t.oid = a.atttypid)
   where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'c', 'f') and ${isNotOfExtension("pg_class", "c.oid")}`,
  },

  {
    sql: `select 'constraint ' || coalesce(quote_ident(c.relname), t.typname, '') || '.' || quote_ident(k.conname) as object,
     jsonb_build_array(k.contype, pg_get_constraintdef(k.oid), k.conislocal, k.coninhcount,
       ${rareComment("k.oid", "pg_constraint")})::text as definition
   from pg_constraint k join pg_namespace n on n.oid = k.connamespace
     left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
   where n.nspname = $1 and k.contype <> 't'
     -- PostgreSQL's own parts of a foreign key to a partitioned table, named by its history
     and not exists (select from pg_constraint whole where whole.oid = k.conparentid and whole.conrelid = k.conrelid)
     and ${isNotOfExtension("pg_type", "k.contypid")} and ${isNotOfExtension("pg_class", "k.conrelid")}`,
  },

  {
    sql: `select 'index ' || quote_ident(c.relname) as object,
     jsonb_build_array(pg_get_indexdef(i.indexrelid, 0, true), i.indisunique, i.indisvalid, i.indisreplident, i.indisclustered,
       array_to_string(c.reloptions, ','), ${rareComment("c.oid", "pg_class")}, ${TABLESPACE},
       (select string_agg(a.attnum || ' ' || a.attstattarget, ',' order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attstattarget >= 0),
       (select p.inhparent::regclass::text from pg_inherits p where p.inhrelid = c.oid))::text as definition
   from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and ${isNotOfExtension("pg_class", "i.indrelid")}`,
  },

  {
    about: "sequence",
    sql: `select 'sequence ' || quote_ident(c.relname) || ' parameters' as object,
     jsonb_build_array(format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
       s.seqcycle, (select d.refobjid::regclass || '.' || a.attname || ' ' || d.deptype::text
         from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
         where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')))::text as definition
   from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and ${isNotOfExtension("pg_class", "c.oid")}`,
  },

  {
    about: "function",
    sql: `select 'function ' || p.oid::regprocedure as object,
     jsonb_build_array(p.prokind, case when p.prokind = 'a' then pg_get_function_arguments(p.oid) || ${AGGREGATE_OPTIONS}
       else ${withoutSchema("pg_get_functiondef(p.oid)", "CREATE OR REPLACE (?:FUNCTION|PROCEDURE) ")} end,
       pg_get_userbyid(p.proowner), ${explicitRights("p.proacl", "p.proowner", "'f'")}, ${comment("p.oid", "pg_proc")})::text as definition
   from pg_proc p join pg_namespace n on n.oid = p.pronamespace left join pg_aggregate a on a.aggfnoid = p.oid
   where n.nspname = $1 and ${isNotDerived("p.proname")} and ${isNotOfExtension("pg_proc", "p.oid")}`,
  },

  {
    about: "type",
    sql: `select 'type ' || quote_ident(t.typname) as object,
     jsonb_build_array(t.typtype, (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder)
         from pg_enum e where e.enumtypid = t.oid),
       case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end, t.typnotnull,
       coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault),
       (select co.collname from pg_collation co where co.oid = t.typcollation and t.typtype = 'd'),
       (select jsonb_build_array(format_type(r.rngsubtype, null), format_type(r.rngmultitypid, null),
          (select o.opcname from pg_opclass o where o.oid = r.rngsubopc),
          (select co.collname from pg_collation co where co.oid = r.rngcollation), r.rngcanonical::regproc::text,
          r.rngsubdiff::regproc::text) from pg_range r where r.rngtypid = t.oid),
       pg_get_userbyid(t.typowner), ${explicitRights("t.typacl", "t.typowner", "'T'")}, ${comment("t.oid", "pg_type")})::text as definition
   from pg_type t join pg_namespace n on n.oid = t.typnamespace
   where n.nspname = $1 and (t.typtype in ('e', 'd', 'r') or (t.typtype in ('b', 'p') and t.typcategory <> 'A') or exists (select from pg_class c where c.oid = t.typrelid
     and c.relkind = 'c')) and ${isNotOfExtension("pg_type", "t.oid")}`,
  },

  {
    about: "trigger",
    sql: `select 'trigger ' || quote_ident(c.relname) || '.' || quote_ident(t.tgname) as object,
     jsonb_build_array(pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgparentid <> 0,
       ${comment("t.oid", "pg_trigger")})::text as definition
   from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and not t.tgisinternal and ${isNotDerived("t.tgname")}`,
  },

  {
    about: "rule",
    sql: `select 'rule ' || quote_ident(c.relname) || '.' || quote_ident(r.rulename) as object,
     jsonb_build_array(pg_get_ruledef(r.oid, true), r.ev_enabled, ${comment("r.oid", "pg_rewrite")})::text as definition
   from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and r.rulename <> '_RETURN'`,
  },

  {
    about: "policy",
    sql: `select 'policy ' || quote_ident(c.relname) || '.' || quote_ident(p.polname) as object,
     jsonb_build_array(p.polcmd, p.polpermissive,
       (select string_agg(coalesce(pg_get_userbyid(nullif(r, 0)), 'public'), ',' order by r::regrole::text) from unnest(p.polroles) r),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
       ${comment("p.oid", "pg_policy")})::text as definition
   from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and ${isNotDerived("p.polname")}`,
  },

  {
    about: "statistics",
    sql: `select 'statistics ' || quote_ident(s.stxname) as object,
     jsonb_build_array(${withoutSchema("pg_get_statisticsobjdef(s.oid)", "CREATE STATISTICS ")},
       case when s.stxstattarget >= 0 then s.stxstattarget end, pg_get_userbyid(s.stxowner),
       ${comment("s.oid", "pg_statistic_ext")})::text as definition
   from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = $1`,
  },

  {
    sql: `select 'default rights ' || pg_get_userbyid(d.defaclrole) || ' ' || d.defaclobjtype::text as object,
     ${rights("d.defaclacl", "4294967295", "'r'")} as definition
   from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace where n.nspname = $1`,
  },

  ...STANDALONE_STRUCTURE,

  // Whatever else lives in the schema: kinds that are not described above show at least that they are there.
  {
    sql: `select 'other ' || i.type || ' ' || coalesce(i.name, i.identity) as object, i.type as definition
   from pg_depend d join pg_namespace n on n.oid = d.refobjid and d.refclassid = 'pg_namespace'::regclass
     cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) i
   where n.nspname = $1 and d.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass,
     'pg_constraint'::regclass, 'pg_statistic_ext'::regclass, 'pg_default_acl'::regclass, 'pg_extension'::regclass,
     ${STANDALONE_CATALOGS.map((catalog) => `'${catalog}'::regclass`).join(", ")})
     and not exists (select from pg_depend e where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e')`,
  },

  // And what is in no schema but about an object of this one.
  {
    sql: `select 'other ' || i.type || ' ' || i.identity as object, i.type as definition
   from pg_namespace n cross join lateral (
       select 'pg_class'::regclass::oid as class, oid from pg_class where relnamespace = n.oid
       union all select 'pg_type'::regclass, oid from pg_type where typnamespace = n.oid
       union all select 'pg_namespace'::regclass, n.oid) m
     join pg_depend d on d.refclassid = m.class and d.refobjid = m.oid
     cross join lateral pg_identify_object(d.classid, d.objid, 0) i
   where n.nspname = $1 and d.classid in ('pg_transform'::regclass, 'pg_publication_rel'::regclass,
     'pg_publication_namespace'::regclass)
     and not exists (select from pg_depend e where e.classid = d.classid and e.objid = d.objid
       and e.deptype in ('e', 'i'))`,
  },
];
