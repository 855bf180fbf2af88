import { type DefinitionQuery, keyOf, RELATIONS } from "./definition-query.ts";

/** Since PostgreSQL 18 "not null" is a constraint with a name of its own; one that is not valid is added later. */
const NOT_NULL = `case when current_setting('server_version_num')::int < 180000
    then case when a.attnotnull and a.attidentity = '' then ' not null' else '' end
    else coalesce((select format(' constraint %I not null', k.conname) || case when k.connoinherit then ' no inherit' else '' end
      from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum]
        and (k.conislocal or c.relispartition) and k.convalidated), '') end`;

/** What a child says itself of columns that it has from its parents; the name is its own then. */
const INHERITED_NOT_NULL = `(select string_agg(format('constraint %I not null %I', k.conname, a.attname)
      || case when k.connoinherit then ' no inherit' else '' end, ', ' order by a.attnum)
    from pg_constraint k join pg_attribute a on a.attrelid = c.oid and k.conkey = array[a.attnum]
    where k.conrelid = c.oid and k.contype = 'n' and k.conislocal and k.convalidated and not a.attislocal
      and not c.relispartition)`;

/** A default `d` is made of what PostgreSQL itself has. */
const NEEDS_NOTHING = `not exists (select from pg_depend x where x.classid = 'pg_attrdef'::regclass and x.objid = d.oid
  and x.deptype = 'n')`;

/** An identity column with its sequence, by name. */
const IDENTITY = `(select format(' generated %s as identity (sequence name %I increment by %s minvalue %s maxvalue %s '
    'start with %s cache %s %s%s)', case a.attidentity when 'a' then 'always' else 'by default' end, sc.relname,
    s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then 'cycle' else 'no cycle' end,
    case when sc.relpersistence = c.relpersistence then '' when sc.relpersistence = 'u' then ' unlogged' else ' logged' end)
  from pg_depend i join pg_sequence s on s.seqrelid = i.objid join pg_class sc on sc.oid = i.objid
  where i.refclassid = 'pg_class'::regclass and i.refobjid = c.oid and i.refobjsubid = a.attnum and i.deptype = 'i'
    and i.classid = 'pg_class'::regclass)`;

/**
 * Tables with their columns, without defaults that need other objects, keys and indexes. A generated column's expression is part of its table.
 * Inheriting tables are made as such; a partition is made with its own columns in its own order, then attached.
 */
export const TABLE_DEFINITIONS: readonly DefinitionQuery[] = [
  {
    kind: "table",
    sql: `select ${keyOf("pg_class", "c.oid")} as key,
       format('create %stable %I (', case c.relpersistence when 'u' then 'unlogged ' else '' end, c.relname)
       || concat_ws(', ', (select string_agg(format('%I %s%s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
              coalesce(' collate ' || co.oid::regcollation, ''),
              case when a.attgenerated <> '' then format(' generated always as (%s) %s', pg_get_expr(d.adbin, d.adrelid),
                  case a.attgenerated when 's' then 'stored' else 'virtual' end)
                when d.oid is not null and ${NEEDS_NOTHING} then ' default ' || pg_get_expr(d.adbin, d.adrelid)
                else '' end,
              case when a.attidentity = '' or c.relispartition then '' else coalesce(${IDENTITY}, '') end,
              ${NOT_NULL}), ', ' order by a.attnum)
            from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
              left join pg_collation co on co.oid = a.attcollation
                and a.attcollation <> (select t.typcollation from pg_type t where t.oid = a.atttypid)
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (a.attislocal or c.relispartition)),
            ${INHERITED_NOT_NULL})
       || ')'
       || coalesce((select ' inherits (' || string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno) || ')'
            from pg_inherits i where i.inhrelid = c.oid and not c.relispartition), '')
       || case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end
       || coalesce(' using ' || (select quote_ident(am.amname) from pg_am am where am.oid = c.relam
            and am.amname <> current_setting('default_table_access_method')), '')
       || coalesce(' with (' || nullif(concat_ws(', ', array_to_string(c.reloptions, ', '),
            (select string_agg('toast.' || o, ', ') from pg_class t cross join unnest(t.reloptions) o
             where t.oid = c.reltoastrelid)), '') || ')', '') as statement
     from ${RELATIONS} where c.relkind in ('r', 'p') order by c.oid`,
  },
  {
    kind: "attachment",
    about: "family",
    sql: `select null as key, format('alter table only %s attach partition %I %s', i.inhparent::regclass, c.relname,
       pg_get_expr(c.relpartbound, c.oid)) as statement
     from ${RELATIONS} join pg_inherits i on i.inhrelid = c.oid
     where c.relispartition and c.relkind in ('r', 'p') order by c.oid`,
  },
  {
    kind: "identity",
    about: "free sequence",
    sql: `select null as key, format('alter sequence %I owned by %I.%I', c.relname, o.relname, a.attname) as statement
     from ${RELATIONS} join pg_depend d on d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'a'
       join pg_class o on o.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
       join pg_attribute a on a.attrelid = o.oid and a.attnum = d.refobjsubid
     where c.relkind = 'S' order by c.oid`,
  },
  {
    kind: "default",
    about: "default",
    sql: `select ${keyOf("pg_attrdef", "d.oid")} as key, format('alter %s %I alter column %I set default %s',
       case c.relkind when 'v' then 'view' else 'table only' end, c.relname, a.attname,
       pg_get_expr(d.adbin, d.adrelid)) as statement
     from ${RELATIONS} join pg_attrdef d on d.adrelid = c.oid
       join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
     where a.attgenerated = '' and c.relkind in ('r', 'p', 'v')
       and not (${NEEDS_NOTHING} and c.relkind <> 'v' and (a.attislocal or c.relispartition)) order by c.oid, a.attnum`,
  },
];
