import type { ClientBase } from "pg";
import { definitions } from "./definitions.ts";

/** Enumerations, domains, composites and ranges. Composites come last: they may use the others. */
export function typeDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select case t.typtype
       when 'e' then format('create type %I as enum (%s)', t.typname,
         (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
          from pg_enum e where e.enumtypid = t.oid))
       when 'd' then concat_ws(' ', format('create domain %I as %s', t.typname, format_type(t.typbasetype, t.typtypmod)),
         'default ' || t.typdefault, (select string_agg(format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), ' '
           order by k.conname) from pg_constraint k where k.contypid = t.oid))
       when 'r' then format('create type %I as range (subtype = %s, multirange_type_name = %I)', t.typname,
         format_type(r.rngsubtype, null), m.typname)
       when 'c' then format('create type %I as (%s)', t.typname,
         (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
          from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
       end as statement
     from pg_type t join pg_namespace n on n.oid = t.typnamespace
       left join pg_range r on r.rngtypid = t.oid left join pg_type m on m.oid = r.rngmultitypid
       left join pg_class c on c.oid = t.typrelid
     where n.nspname = $1 and (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
     order by array_position(array['e', 'd', 'r', 'c'], t.typtype::text), t.oid`,
  );
}

/** Sequences that are not an identity column's. */
export function sequenceDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select format('create %ssequence %I as %s increment by %s minvalue %s maxvalue %s start with %s cache %s %s',
       case c.relpersistence when 'u' then 'unlogged ' else '' end, c.relname, format_type(s.seqtypid, null),
       s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then 'cycle' else 'no cycle' end)
       as statement
     from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and not exists (select from pg_depend d
       where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'i')
     order by c.oid`,
  );
}

/**
 * Functions and procedures: those that tables may use, and those that use tables (their types, or in a body that is
 * parsed when it is made). Aggregates are left to the comparison, which refuses them.
 */
export function functionDefinitions(
  client: ClientBase,
  schema: string,
  which: "on no table" | "on tables",
): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select regexp_replace(pg_get_functiondef(p.oid),
       '^(CREATE OR REPLACE (?:FUNCTION|PROCEDURE) )' || regexp_replace(quote_ident($1), '([^\\w])', '\\\\\\1', 'g') || '\\.',
       '\\1') as statement
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = $1 and p.prokind <> 'a' and not exists (select from pg_depend d
         where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
       and ${which === "on tables" ? "" : "not"} exists (
       select from pg_depend d left join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
         left join pg_type e on e.oid = t.typelem left join pg_class r on r.oid = coalesce(nullif(t.typrelid, 0), e.typrelid)
       where d.classid = 'pg_proc'::regclass and d.objid = p.oid
         and (d.refclassid = 'pg_class'::regclass or r.relkind in ('r', 'p', 'v', 'm')))
     order by p.oid`,
  );
}
