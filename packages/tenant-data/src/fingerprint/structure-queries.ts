/** The rights on an object that its owner does not have anyway, as text; null means that the defaults apply. */
const rights = (acl: string, owner: string): string => `
  coalesce((select string_agg(
      coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public') || ' ' || a.privilege_type ||
      case when a.is_grantable then ' grantable' else '' end, ', ' order by a.grantee::regrole::text, a.privilege_type)
    from aclexplode(${acl}) a where a.grantee <> ${owner}), case when ${acl} is null then 'default' else 'none' end)`;

const comment = (oid: string, catalog: string, column = 0): string =>
  `coalesce((select d.description from pg_description d
     where d.objoid = ${oid} and d.classoid = '${catalog}'::regclass and d.objsubid = ${column}), '')`;

/** Each gives rows (object, definition) for the schema named by $1, which must be the search_path. */
export const STRUCTURE_QUERIES: readonly string[] = [
  `select 'schema' as object, concat_ws(' | ', ${rights("n.nspacl", "n.nspowner")}, pg_get_userbyid(n.nspowner),
     ${comment("n.oid", "pg_namespace")}) as definition
   from pg_namespace n where n.nspname = $1`,

  `select case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
       when 'c' then 'composite' else 'table' end || ' ' || quote_ident(c.relname) as object,
     concat_ws(' | ', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','), c.relrowsecurity,
       c.relforcerowsecurity, c.relreplident, pg_get_userbyid(c.relowner), ${rights("c.relacl", "c.relowner")},
       pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
       (select string_agg(i.inhparent::regclass::text, ',' order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid),
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
       case when c.relkind = 'm' then c.relispopulated end, ${comment("c.oid", "pg_class")}) as definition
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind not in ('i', 'I', 't')`,

  `select 'column ' || quote_ident(c.relname) || '.' || quote_ident(a.attname) as object,
     concat_ws(' | ', row_number() over (partition by c.oid order by a.attnum),
       format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
       pg_get_expr(d.adbin, d.adrelid), co.collname, a.attstorage, a.attcompression, a.attstattarget, a.attislocal,
       a.attinhcount, array_to_string(a.attoptions, ','), ${rights("a.attacl", "c.relowner")},
       ${comment("c.oid", "pg_class", 0).replace("d.objsubid = 0", "d.objsubid = a.attnum")}) as definition
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     left join pg_collation co on co.oid = a.attcollation
       and a.attcollation <> (select t.typcollation from pg_type t where t.oid = a.atttypid)
   where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'c', 'f')`,

  `select 'constraint ' || coalesce(quote_ident(c.relname), t.typname, '') || '.' || quote_ident(k.conname) as object,
     concat_ws(' | ', k.contype, pg_get_constraintdef(k.oid), k.conislocal, k.coninhcount,
       ${comment("k.oid", "pg_constraint")}) as definition
   from pg_constraint k join pg_namespace n on n.oid = k.connamespace
     left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
   where n.nspname = $1 and k.contype <> 't'`,

  `select 'index ' || quote_ident(c.relname) as object,
     concat_ws(' | ', replace(pg_get_indexdef(i.indexrelid), ' ' || quote_ident($1) || '.', ' '), i.indisunique, i.indisvalid, i.indisreplident, i.indisclustered,
       array_to_string(c.reloptions, ','), ${comment("c.oid", "pg_class")}) as definition
   from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1`,

  `select 'sequence ' || quote_ident(c.relname) || ' parameters' as object,
     concat_ws(' | ', format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
       s.seqcycle, (select d.refobjid::regclass || '.' || a.attname || ' ' || d.deptype::text
         from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
         where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i'))) as definition
   from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1`,

  `select 'function ' || p.oid::regprocedure as object,
     concat_ws(' | ', p.prokind, replace(case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end,
       ' ' || quote_ident($1) || '.', ' '), pg_get_userbyid(p.proowner), ${rights("p.proacl", "p.proowner")},
       ${comment("p.oid", "pg_proc")}) as definition
   from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1`,

  `select 'type ' || quote_ident(t.typname) as object,
     concat_ws(' | ', t.typtype, (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder)
         from pg_enum e where e.enumtypid = t.oid),
       case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end, t.typnotnull, t.typdefault,
       (select format_type(r.rngsubtype, null) from pg_range r where r.rngtypid = t.oid),
       pg_get_userbyid(t.typowner), ${rights("t.typacl", "t.typowner")}, ${comment("t.oid", "pg_type")}) as definition
   from pg_type t join pg_namespace n on n.oid = t.typnamespace
   where n.nspname = $1 and t.typtype in ('e', 'd', 'r')`,

  `select 'trigger ' || quote_ident(c.relname) || '.' || quote_ident(t.tgname) as object,
     concat_ws(' | ', replace(pg_get_triggerdef(t.oid, true), ' ' || quote_ident($1) || '.', ' '), t.tgenabled,
       ${comment("t.oid", "pg_trigger")}) as definition
   from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and not t.tgisinternal`,

  `select 'rule ' || quote_ident(c.relname) || '.' || quote_ident(r.rulename) as object,
     concat_ws(' | ', replace(pg_get_ruledef(r.oid), ' ' || quote_ident($1) || '.', ' '), r.ev_enabled) as definition
   from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and r.rulename <> '_RETURN'`,

  `select 'policy ' || quote_ident(c.relname) || '.' || quote_ident(p.polname) as object,
     concat_ws(' | ', p.polcmd, p.polpermissive,
       (select string_agg(coalesce(pg_get_userbyid(nullif(r, 0)), 'public'), ',' order by r) from unnest(p.polroles) r),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
       ${comment("p.oid", "pg_policy")}) as definition
   from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1`,

  `select 'statistics ' || quote_ident(s.stxname) as object,
     replace(pg_get_statisticsobjdef(s.oid), ' ' || quote_ident($1) || '.', ' ') as definition
   from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = $1`,

  // Whatever else lives in the schema: kinds that are not described above show at least that they are there.
  `select 'other ' || i.type || ' ' || coalesce(i.name, i.identity) as object, i.type as definition
   from pg_depend d join pg_namespace n on n.oid = d.refobjid and d.refclassid = 'pg_namespace'::regclass
     cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) i
   where n.nspname = $1 and d.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass,
     'pg_constraint'::regclass, 'pg_statistic_ext'::regclass)`,
];
