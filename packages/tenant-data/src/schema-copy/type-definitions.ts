import { isNotDerived, isNotOfExtension } from "../live-objects.ts";
import { type DefinitionQuery, keyOf, RELATIONS, withoutSchema } from "./definition-query.ts";

/** The options of an aggregate `a` of pg_aggregate, whose function is `p`. */
export const AGGREGATE_OPTIONS = `concat_ws(', ', 'sfunc = ' || a.aggtransfn::regproc,
  'stype = ' || format_type(a.aggtranstype, null), 'sspace = ' || nullif(a.aggtransspace, 0),
  'finalfunc = ' || nullif(a.aggfinalfn::oid, 0)::regproc, case when a.aggfinalextra then 'finalfunc_extra' end,
  'finalfunc_modify = ' || case a.aggfinalmodify when 'r' then 'read_only' when 's' then 'shareable' else 'read_write' end,
  'combinefunc = ' || nullif(a.aggcombinefn::oid, 0)::regproc, 'serialfunc = ' || nullif(a.aggserialfn::oid, 0)::regproc,
  'deserialfunc = ' || nullif(a.aggdeserialfn::oid, 0)::regproc, 'initcond = ' || quote_literal(a.agginitval),
  'msfunc = ' || nullif(a.aggmtransfn::oid, 0)::regproc, 'minvfunc = ' || nullif(a.aggminvtransfn::oid, 0)::regproc,
  'mstype = ' || format_type(nullif(a.aggmtranstype, 0), null), 'msspace = ' || nullif(a.aggmtransspace, 0),
  'mfinalfunc = ' || nullif(a.aggmfinalfn::oid, 0)::regproc, case when a.aggmfinalextra then 'mfinalfunc_extra' end,
  case when a.aggmtranstype <> 0 then 'mfinalfunc_modify = ' || case a.aggmfinalmodify when 'r' then 'read_only'
    when 's' then 'shareable' else 'read_write' end end,
  'minitcond = ' || quote_literal(a.aggminitval),
  'sortop = ' || (select format('operator(%I.%s)', sn.nspname, so.oprname) from pg_operator so
    join pg_namespace sn on sn.oid = so.oprnamespace where so.oid = a.aggsortop),
  case when a.aggkind = 'h' then 'hypothetical' end,
  'parallel = ' || case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end)`;

/** Types, functions and sequences: what stands without a table. */
export const TYPE_DEFINITIONS: readonly DefinitionQuery[] = [
  {
    kind: "type",
    about: "type",
    sql: `select ${keyOf("pg_type", "t.oid")} as key, case t.typtype
       when 'e' then format('create type %I as enum (%s)', t.typname,
         (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
          from pg_enum e where e.enumtypid = t.oid))
       when 'd' then concat_ws(' ', format('create domain %I as %s', t.typname, format_type(t.typbasetype, t.typtypmod)),
         (select 'collate ' || co.oid::regcollation from pg_collation co join pg_type b on b.oid = t.typbasetype
          where co.oid = t.typcollation and t.typcollation <> b.typcollation),
         'default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)),
         case when t.typnotnull and not exists (select from pg_constraint k where k.contypid = t.oid and k.contype = 'n')
           then 'not null' end,
         (select string_agg(format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), ' '
           order by k.conname) from pg_constraint k where k.contypid = t.oid and k.convalidated))
       when 'r' then format('create type %I as range (%s)', t.typname, concat_ws(', ',
         'subtype = ' || format_type(r.rngsubtype, null), format('multirange_type_name = %I', m.typname),
         (select format('subtype_opclass = %I.%I', pn.nspname, o.opcname) from pg_opclass o
          join pg_namespace pn on pn.oid = o.opcnamespace where o.oid = r.rngsubopc and not o.opcdefault),
         'collation = ' || nullif(r.rngcollation, 0)::regcollation,
         'canonical = ' || nullif(r.rngcanonical::oid, 0)::regproc, 'subtype_diff = ' || nullif(r.rngsubdiff::oid, 0)::regproc))
       when 'c' then format('create type %I as (%s)', t.typname,
         (select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
            (select 'collate ' || co.oid::regcollation from pg_collation co join pg_type b on b.oid = a.atttypid
             where co.oid = a.attcollation and a.attcollation <> b.typcollation)), ', ' order by a.attnum)
          from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
       end as statement
     from pg_type t join pg_namespace n on n.oid = t.typnamespace
       left join pg_range r on r.rngtypid = t.oid left join pg_type m on m.oid = r.rngmultitypid
       left join pg_class c on c.oid = t.typrelid
     where n.nspname = $1 and (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
       and ${isNotOfExtension("pg_type", "t.oid")}
     order by array_position(array['e', 'd', 'r', 'c'], t.typtype::text), t.oid`,
  },
  {
    kind: "sequence",
    about: "free sequence",
    sql: `select ${keyOf("pg_class", "c.oid")} as key,
       format('create %ssequence %I as %s increment by %s minvalue %s maxvalue %s start with %s cache %s %s',
       case c.relpersistence when 'u' then 'unlogged ' else '' end, c.relname, format_type(s.seqtypid, null),
       s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then 'cycle' else 'no cycle' end)
       as statement
     from pg_sequence s join ${RELATIONS} on c.oid = s.seqrelid
     where not exists (select from pg_depend d
       where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'i')
     order by c.oid`,
  },
  {
    kind: "function",
    about: "function",
    sql: `select ${keyOf("pg_proc", "p.oid")} as key, case when p.prokind = 'a' then
         format('create aggregate %I(%s) (%s)', p.proname,
           case when p.pronargs = 0 then '*' else pg_get_function_arguments(p.oid) end, ${AGGREGATE_OPTIONS})
       else ${withoutSchema("pg_get_functiondef(p.oid)", "CREATE OR REPLACE (?:FUNCTION|PROCEDURE) ")} end as statement
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace left join pg_aggregate a on a.aggfnoid = p.oid
     where n.nspname = $1 and ${isNotDerived("p.proname")} and not exists (select from pg_depend d
         where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('i', 'e'))
     order by p.oid`,
  },
];
