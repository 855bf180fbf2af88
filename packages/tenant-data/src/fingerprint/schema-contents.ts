import type { ClientBase } from "pg";

/**
 * A kind of object, or something about objects, that most schemas lack, so that the queries about it can be left out. A
 * `default` needs other objects, a `free sequence` is no identity column's, a `setting` is how a table or its columns are
 * kept; `comment` and `grant` are about tables, sequences and what is in them.
 */
export type Content =
  | "comment"
  | "default"
  | "extension"
  | "family"
  | "foreign key"
  | "free sequence"
  | "function"
  | "grant"
  | "materialized view"
  | "policy"
  | "rule"
  | "sequence"
  | "setting"
  | "standalone"
  | "statistics"
  | "trigger"
  | "type"
  | "view";

/** A query about a kind of objects. */
export interface ContentQuery {
  readonly sql: string;
  /** Gives nothing in a schema without this; always run if absent. */
  readonly about?: Content;
}

/** Which of these kinds a schema has; those of extensions count as well. */
export async function schemaContents(client: ClientBase, schema: string): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ contents: string[] }>(
    `with ns as materialized (select oid from pg_namespace where nspname = $1),
       rel as materialized (select oid, relkind, relhastriggers, relacl, relreplident, reltablespace, relrowsecurity,
         relforcerowsecurity from pg_class where relnamespace = (select oid from ns)),
       columns as materialized (select bool_or(a.attacl is not null) as granted, bool_or(a.attstattarget >= 0
           or (rel.relkind in ('r', 'p', 'm') and (a.attstorage <> t.typstorage or a.attcompression <> ''
             or a.attoptions is not null))) as kept
         -- One relation after the other, by its index: the server's guess at their number is of no use here.
         from rel cross join lateral (select * from pg_attribute a where a.attrelid = rel.oid and a.attnum > 0
           and not a.attisdropped offset 0) a join pg_type t on t.oid = a.atttypid
         where rel.relkind not in ('S', 't'))
     select array_remove(array[
       case when exists (select from rel cross join lateral (select from pg_description d
           where d.classoid = 'pg_class'::regclass and d.objoid = rel.oid limit 1) d)
         or exists (select from pg_constraint k join pg_description d on d.objoid = k.oid
           and d.classoid = 'pg_constraint'::regclass where k.connamespace = (select oid from ns)) then 'comment' end,
       case when exists (select from rel join pg_attrdef d on d.adrelid = rel.oid where rel.relkind = 'v' or exists
           (select from pg_inherits i where i.inhrelid = rel.oid) or exists (select from pg_depend x
             where x.classid = 'pg_attrdef'::regclass and x.objid = d.oid and x.deptype = 'n')) then 'default' end,
       case when exists (select from pg_depend d where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and (
           (d.classid = 'pg_class'::regclass and d.objid in (select oid from rel))
           or (d.classid = 'pg_type'::regclass and d.objid in
             (select t.oid from pg_type t where t.typnamespace = (select oid from ns)))
           or (d.classid = 'pg_proc'::regclass and d.objid in
             (select p.oid from pg_proc p where p.pronamespace = (select oid from ns)))
           or d.classid in ('pg_collation'::regclass, 'pg_ts_config'::regclass, 'pg_ts_dict'::regclass,
             'pg_operator'::regclass, 'pg_cast'::regclass))) then 'extension' end,
       case when exists (select from rel join pg_inherits i on i.inhrelid = rel.oid) then 'family' end,
       case when exists (select from pg_constraint where connamespace = (select oid from ns) and contype = 'f')
         then 'foreign key' end,
       case when exists (select from rel where relkind = 'S' and not exists (select from pg_depend d
         where d.classid = 'pg_class'::regclass and d.objid = rel.oid and d.deptype = 'i')) then 'free sequence' end,
       case when exists (select from pg_proc where pronamespace = (select oid from ns)) then 'function' end,
       case when exists (select from rel where relacl is not null)
         or exists (select from pg_default_acl where defaclnamespace = 0)
         or (select granted from columns) then 'grant' end,
       case when exists (select from rel where relkind = 'm') then 'materialized view' end,
       case when exists (select from rel join pg_policy p on p.polrelid = rel.oid) then 'policy' end,
       case when exists (select from rel join pg_rewrite r on r.ev_class = rel.oid where rel.relkind <> 'm'
         and r.rulename <> '_RETURN') then 'rule' end,
       case when exists (select from rel where relkind = 'S') then 'sequence' end,
       case when exists (select from rel where reltablespace <> 0 or relrowsecurity or relforcerowsecurity
           or (relreplident <> 'd' and relkind in ('r', 'p')))
         or exists (select from rel join pg_index i on i.indexrelid = rel.oid where i.indisclustered)
         or (select kept from columns) then 'setting' end,
       case when exists (select from pg_collation where collnamespace = (select oid from ns))
         or exists (select from pg_ts_config where cfgnamespace = (select oid from ns))
         or exists (select from pg_ts_dict where dictnamespace = (select oid from ns))
         or exists (select from pg_operator where oprnamespace = (select oid from ns))
         or exists (select from pg_cast k
           where k.castsource in (select t.oid from pg_type t where t.typnamespace = (select oid from ns))
             or k.casttarget in (select t.oid from pg_type t where t.typnamespace = (select oid from ns))) then 'standalone' end,
       case when exists (select from pg_statistic_ext where stxnamespace = (select oid from ns)) then 'statistics' end,
       case when exists (select from rel join pg_trigger t on t.tgrelid = rel.oid where rel.relhastriggers
         and not t.tgisinternal) then 'trigger' end,
       case when exists (select from pg_type where typnamespace = (select oid from ns) and typtype <> 'c'
         and (typtype <> 'b' or typcategory <> 'A')) or exists (select from rel where relkind = 'c') then 'type' end,
       case when exists (select from rel where relkind = 'v') then 'view' end], null) as contents`,
    [schema],
  );
  return new Set(rows[0]?.contents ?? []);
}

/** Queries that may give something in a schema, without what they would ask for nothing. */
export function queriesAbout<Query extends ContentQuery>(
  queries: readonly Query[],
  contents: ReadonlySet<string>,
): Query[] {
  return queries
    .filter(({ about }) => about === undefined || contents.has(about))
    .map((query) => ({ ...query, sql: withoutUnneeded(query.sql, contents) }));
}

/** A part of a query that comes to the same as another, `otherwise`, in a schema without this. */
export function onlyWith(content: Content, sql: string, otherwise: string): string {
  return `/*with ${content}*/${sql}/*else ${otherwise}*/`;
}

function withoutUnneeded(sql: string, contents: ReadonlySet<string>): string {
  return sql.replaceAll(
    /\/\*with (.+?)\*\/(.+?)\/\*else (.+?)\*\//gs,
    (_, content: string, part: string, otherwise: string) => (contents.has(content) ? part : otherwise),
  );
}
