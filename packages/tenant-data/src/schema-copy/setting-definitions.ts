import { type DefinitionQuery, RELATIONS } from "./definition-query.ts";

/** How columns, tables and indexes are kept. */
export const SETTING_DEFINITIONS: readonly DefinitionQuery[] = [
  {
    kind: "setting",
    about: "setting",
    sql: `select null as key, format('alter table only %I ', c.relname) || concat_ws(', ',
         case when a.attstorage <> t.typstorage then format('alter column %I set storage %s', a.attname,
           case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) end,
         case when a.attcompression <> '' then format('alter column %I set compression %s', a.attname,
           case a.attcompression when 'l' then 'lz4' else 'pglz' end) end,
         case when coalesce(a.attstattarget, -1) >= 0 then
           format('alter column %I set statistics %s', a.attname, a.attstattarget) end,
         case when a.attoptions is not null then
           format('alter column %I set (%s)', a.attname, array_to_string(a.attoptions, ', ')) end) as statement
     from ${RELATIONS} join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_type t on t.oid = a.atttypid
     where c.relkind in ('r', 'p', 'm') and (a.attstorage <> t.typstorage or a.attcompression <> ''
       or coalesce(a.attstattarget, -1) >= 0 or a.attoptions is not null)
     order by c.oid, a.attnum`,
  },
  {
    kind: "setting",
    about: "setting",
    sql: `select null as key, format('alter index %I alter column %s set statistics %s', c.relname, a.attnum, a.attstattarget)
       as statement
     from ${RELATIONS} join pg_attribute a on a.attrelid = c.oid
     where c.relkind in ('i', 'I') and coalesce(a.attstattarget, -1) >= 0 order by c.oid, a.attnum`,
  },
  {
    kind: "setting",
    about: "statistics",
    sql: `select null as key, format('alter statistics %I set statistics %s', s.stxname, s.stxstattarget) as statement
     from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
     where n.nspname = $1 and coalesce(s.stxstattarget, -1) >= 0 order by s.oid`,
  },
  {
    kind: "setting",
    about: "setting",
    sql: `select null as key, unnest(array[
         case when c.relkind in ('r', 'p') and c.relreplident <> 'd' then format('alter table only %I replica identity %s',
           c.relname, case c.relreplident when 'f' then 'full' when 'n' then 'nothing' else (
             select format('using index %I', ic.relname) from pg_index i join pg_class ic on ic.oid = i.indexrelid
             where i.indrelid = c.oid and i.indisreplident) end) end,
         (select format('alter %s %I cluster on %I', case c.relkind when 'm' then 'materialized view' else 'table' end,
            c.relname, ic.relname) from pg_index i join pg_class ic on ic.oid = i.indexrelid
          where i.indrelid = c.oid and i.indisclustered),
         (select format('alter %s %I set tablespace %I', case c.relkind when 'm' then 'materialized view'
            when 'i' then 'index' when 'I' then 'index' else 'table only' end, c.relname, s.spcname)
          from pg_tablespace s where s.oid = c.reltablespace),
         case when c.relrowsecurity or c.relforcerowsecurity then format('alter table only %I %s', c.relname,
           concat_ws(', ', case when c.relrowsecurity then 'enable row level security' end,
             case when c.relforcerowsecurity then 'force row level security' end)) end]) as statement
     from ${RELATIONS} where c.relkind in ('r', 'p', 'm', 'i', 'I')`,
  },
];
