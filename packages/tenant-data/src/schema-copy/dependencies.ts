import { keyOf } from "./definition-query.ts";

/**
 * What stands behind an object: a row's type is its table, an array's type its element's, a view's rule the view, and
 * a key's index the key. What a table is made with (generated columns, names of "not null") is the table.
 */
const ALIASES = `
  select ${keyOf("pg_type", "t.oid")} as alias, ${keyOf("pg_class", "t.typrelid")} as object
  from pg_type t join pg_class c on c.oid = t.typrelid where t.typnamespace = ns.oid and c.relkind <> 'c'
  union all
  select ${keyOf("pg_class", "c.oid")}, ${keyOf("pg_type", "c.reltype")}
  from pg_class c where c.relnamespace = ns.oid and c.relkind = 'c'
  union all
  select ${keyOf("pg_type", "t.oid")}, ${keyOf("pg_type", "t.typelem")}
  from pg_type t where t.typnamespace = ns.oid and t.typelem <> 0
  union all
  select ${keyOf("pg_type", "r.rngmultitypid")}, ${keyOf("pg_type", "r.rngtypid")}
  from pg_range r join pg_type t on t.oid = r.rngtypid where t.typnamespace = ns.oid
  union all
  select ${keyOf("pg_attrdef", "d.oid")}, ${keyOf("pg_class", "d.adrelid")}
  from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    join pg_class c on c.oid = d.adrelid where c.relnamespace = ns.oid and a.attgenerated <> ''
  union all
  select ${keyOf("pg_rewrite", "r.oid")}, ${keyOf("pg_class", "r.ev_class")}
  from pg_rewrite r join pg_class c on c.oid = r.ev_class where c.relnamespace = ns.oid and r.rulename = '_RETURN'
  union all
  select ${keyOf("pg_class", "k.conindid")}, ${keyOf("pg_constraint", "k.oid")}
  from pg_constraint k where k.connamespace = ns.oid and k.contype in ('p', 'u', 'x')
  union all
  select ${keyOf("pg_constraint", "k.oid")}, ${keyOf("pg_class", "k.conrelid")}
  from pg_constraint k where k.connamespace = ns.oid and k.contype = 'n' and k.conrelid <> 0 and k.convalidated
  union all
  select ${keyOf("pg_constraint", "k.oid")}, ${keyOf("pg_type", "k.contypid")}
  from pg_constraint k where k.connamespace = ns.oid and k.contypid <> 0 and k.convalidated
  union all
  select ${keyOf("pg_class", "d.objid")}, ${keyOf("pg_class", "d.refobjid")}
  from pg_depend d join pg_class c on c.oid = d.objid where c.relnamespace = ns.oid and c.relkind = 'S'
    and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'`;

const MEMBERS = [
  ["pg_class", "select oid from pg_class where relnamespace = ns.oid"],
  ["pg_type", "select oid from pg_type where typnamespace = ns.oid"],
  ["pg_proc", "select oid from pg_proc where pronamespace = ns.oid"],
  ["pg_constraint", "select oid from pg_constraint where connamespace = ns.oid"],
  ["pg_statistic_ext", "select oid from pg_statistic_ext where stxnamespace = ns.oid"],
  ["pg_operator", "select oid from pg_operator where oprnamespace = ns.oid"],
  ["pg_ts_config", "select oid from pg_ts_config where cfgnamespace = ns.oid"],
  [
    "pg_cast",
    "select k.oid from pg_cast k join pg_type t on t.oid in (k.castsource, k.casttarget) where t.typnamespace = ns.oid",
  ],
  ["pg_attrdef", "select d.oid from pg_attrdef d join pg_class c on c.oid = d.adrelid where c.relnamespace = ns.oid"],
  ["pg_rewrite", "select r.oid from pg_rewrite r join pg_class c on c.oid = r.ev_class where c.relnamespace = ns.oid"],
  ["pg_trigger", "select t.oid from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = ns.oid"],
  ["pg_policy", "select p.oid from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = ns.oid"],
]
  .map(([catalog, sql]) => `select '${catalog}'::regclass::oid as class, m.oid from (${sql}) m`)
  .join(" union all ");

/** Rows (object, needs), both keys; an object of which `stands_for` is true is another name for what it needs. */
export const DEPENDENCIES = `
  select a.alias as object, a.object as needs, true as stands_for
  from pg_namespace ns cross join lateral (${ALIASES}) a where ns.nspname = $1
  union all
  select distinct d.classid || ':' || d.objid, d.refclassid || ':' || d.refobjid, false
  from pg_namespace ns cross join lateral (${MEMBERS}) m
    join pg_depend d on d.classid = m.class and d.objid = m.oid
  where ns.nspname = $1 and d.refobjid >= 16384 and d.refclassid <> 'pg_namespace'::regclass`;
