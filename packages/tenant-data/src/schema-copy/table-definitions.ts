import type { ClientBase } from "pg";
import { definitions } from "./definitions.ts";

/**
 * Tables with their columns, without defaults, keys and indexes. A generated column's expression is part of its table.
 * Children come after their parents: partitions are attached, inheriting tables made as such.
 */
export async function tableDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ major: number }>(
    "select current_setting('server_version_num')::int / 10000 as major",
  );
  // Since PostgreSQL 18 "not null" is a constraint with a name of its own.
  const notNull =
    (rows[0]?.major ?? 0) >= 18
      ? `coalesce((select format(' constraint %I not null', k.conname) from pg_constraint k
           where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum] and k.conislocal), '')`
      : "case when a.attnotnull and a.attidentity = '' then ' not null' else '' end";
  return definitions(
    client,
    schema,
    `with recursive family as (
       select c.oid, 0 as depth from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relkind in ('r', 'p') and not exists (select from pg_inherits i where i.inhrelid = c.oid)
       union
       select i.inhrelid, f.depth + 1 from family f join pg_inherits i on i.inhparent = f.oid
     )
     select format('create %stable %I ', case c.relpersistence when 'u' then 'unlogged ' else '' end, c.relname)
       || case when c.relispartition then format('partition of %s %s',
            (select i.inhparent::regclass from pg_inherits i where i.inhrelid = c.oid), pg_get_expr(c.relpartbound, c.oid))
          else '(' || coalesce((select string_agg(format('%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
              case when co.collname is not null then format(' collate %I.%I', cn.nspname, co.collname) else '' end,
              case a.attgenerated when '' then '' else format(' generated always as (%s) %s',
                pg_get_expr(d.adbin, d.adrelid), case a.attgenerated when 's' then 'stored' else 'virtual' end) end,
              ${notNull}), ', ' order by a.attnum)
            from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
              left join pg_collation co on co.oid = a.attcollation
                and a.attcollation <> (select t.typcollation from pg_type t where t.oid = a.atttypid)
              left join pg_namespace cn on cn.oid = co.collnamespace
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attislocal), '') || ')'
            || coalesce((select ' inherits (' || string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno) || ')'
                from pg_inherits i where i.inhrelid = c.oid), '')
          end
       || case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end
       || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') as statement
     from (select oid, max(depth) as depth from family group by oid) f join pg_class c on c.oid = f.oid
       join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 order by f.depth, c.oid`,
  );
}

export function columnDefaults(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select format('alter table only %I alter column %I set default %s', c.relname, a.attname,
       pg_get_expr(d.adbin, d.adrelid)) as statement
     from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
     where n.nspname = $1 and a.attgenerated = '' and c.relkind in ('r', 'p') order by c.oid, a.attnum`,
  );
}

/** Identity columns with their sequences by name, and the columns that own other sequences. */
export async function identityDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  const identities = await definitions(
    client,
    schema,
    `select format('alter table only %I alter column %I add generated %s as identity (sequence name %I increment by %s '
         'minvalue %s maxvalue %s start with %s cache %s %s)', c.relname, a.attname,
       case a.attidentity when 'a' then 'always' else 'by default' end, sc.relname, s.seqincrement, s.seqmin, s.seqmax,
       s.seqstart, s.seqcache, case when s.seqcycle then 'cycle' else 'no cycle' end) as statement
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_depend d on d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i'
         and d.classid = 'pg_class'::regclass
       join pg_class sc on sc.oid = d.objid join pg_sequence s on s.seqrelid = sc.oid
     where n.nspname = $1 and a.attidentity <> '' and not c.relispartition order by c.oid, a.attnum`,
  );
  const owned = await definitions(
    client,
    schema,
    `select format('alter sequence %I owned by %I.%I', sc.relname, c.relname, a.attname) as statement
     from pg_depend d join pg_class sc on sc.oid = d.objid and sc.relkind = 'S' join pg_class c on c.oid = d.refobjid
       join pg_namespace n on n.oid = sc.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
     where n.nspname = $1 and d.classid = 'pg_class'::regclass and d.deptype = 'a' order by sc.oid`,
  );
  return [...identities, ...owned];
}

/** Keys first, since foreign keys need them; what a partition has from its parent is there already. */
export function constraintDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  return definitions(
    client,
    schema,
    `select format('alter table %s%I add constraint %I %s', case when c.relkind = 'p' then '' else 'only ' end,
       c.relname, k.conname, pg_get_constraintdef(k.oid)) as statement
     from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and k.contype in ('p', 'u', 'x', 'c', 'f') and k.conislocal and k.conparentid = 0
     order by array_position(array['p', 'u', 'x', 'c', 'f'], k.contype::text), c.relispartition, k.oid`,
  );
}

/** Indexes that no key made. Those of partitions are made by their own names, then attached to their parents'. */
export async function indexDefinitions(client: ClientBase, schema: string): Promise<string[]> {
  const indexes = await definitions(
    client,
    schema,
    `select replace(pg_get_indexdef(i.indexrelid), ' ' || quote_ident($1) || '.', ' ') as statement
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_class r on r.oid = i.indrelid
     where n.nspname = $1 and r.relkind in ('r', 'p') and not exists (select from pg_constraint k
         where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
     order by c.oid`,
  );
  const attached = await definitions(
    client,
    schema,
    `select format('alter index %I attach partition %I', p.relname, c.relname) as statement
     from pg_inherits i join pg_class c on c.oid = i.inhrelid and c.relkind in ('i', 'I')
       join pg_class p on p.oid = i.inhparent join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and not exists (select from pg_constraint k where k.conindid = c.oid
         and k.contype in ('p', 'u', 'x'))
     order by c.oid`,
  );
  return [...indexes, ...attached];
}

/** How columns and tables are kept, and extended statistics. */
export async function tableSettings(client: ClientBase, schema: string): Promise<string[]> {
  const columns = await definitions(
    client,
    schema,
    `select format('alter table only %I ', c.relname) || concat_ws(', ',
         case when a.attstorage <> t.typstorage then format('alter column %I set storage %s', a.attname,
           case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) end,
         case when a.attcompression <> '' then format('alter column %I set compression %s', a.attname,
           case a.attcompression when 'l' then 'lz4' else 'pglz' end) end,
         case when coalesce(a.attstattarget, -1) >= 0 then
           format('alter column %I set statistics %s', a.attname, a.attstattarget) end,
         case when a.attoptions is not null then
           format('alter column %I set (%s)', a.attname, array_to_string(a.attoptions, ', ')) end) as statement
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_type t on t.oid = a.atttypid
     where n.nspname = $1 and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
       and (a.attstorage <> t.typstorage or a.attcompression <> '' or coalesce(a.attstattarget, -1) >= 0
         or a.attoptions is not null)
     order by c.oid, a.attnum`,
  );
  const tables = await definitions(
    client,
    schema,
    `select format('alter table only %I replica identity %s', c.relname, case c.relreplident when 'f' then 'full'
         when 'n' then 'nothing' else (select format('using index %I', ic.relname) from pg_index i
           join pg_class ic on ic.oid = i.indexrelid where i.indrelid = c.oid and i.indisreplident) end) as statement
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and c.relreplident <> 'd'
     union all
     select format('alter table only %I cluster on %I', c.relname, ic.relname)
     from pg_index i join pg_class ic on ic.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
       join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and i.indisclustered
     union all
     select replace(pg_get_statisticsobjdef(s.oid), ' ' || quote_ident($1) || '.', ' ')
     from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = $1`,
  );
  return [...columns, ...tables];
}
