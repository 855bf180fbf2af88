import type { ClientBase } from "pg";

/** A kind of object that most schemas lack, so that the queries about it can be left out. */
export type Content =
  | "default"
  | "family"
  | "foreign key"
  | "function"
  | "materialized view"
  | "policy"
  | "rule"
  | "sequence"
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
       rel as materialized (select oid, relkind, relhastriggers, relhasrules from pg_class
         where relnamespace = (select oid from ns))
     select array_remove(array[
       case when exists (select from rel join pg_attrdef d on d.adrelid = rel.oid) then 'default' end,
       case when exists (select from rel join pg_inherits i on i.inhrelid = rel.oid) then 'family' end,
       case when exists (select from pg_constraint where connamespace = (select oid from ns) and contype = 'f')
         then 'foreign key' end,
       case when exists (select from pg_proc where pronamespace = (select oid from ns)) then 'function' end,
       case when exists (select from rel where relkind = 'm') then 'materialized view' end,
       case when exists (select from rel join pg_policy p on p.polrelid = rel.oid) then 'policy' end,
       case when exists (select from rel join pg_rewrite r on r.ev_class = rel.oid where rel.relkind <> 'm'
         and r.rulename <> '_RETURN') then 'rule' end,
       case when exists (select from rel where relkind = 'S') then 'sequence' end,
       case when exists (select from pg_collation where collnamespace = (select oid from ns))
         or exists (select from pg_ts_config where cfgnamespace = (select oid from ns))
         or exists (select from pg_ts_dict where dictnamespace = (select oid from ns))
         or exists (select from pg_operator where oprnamespace = (select oid from ns))
         or exists (select from pg_cast k join pg_type t on t.oid in (k.castsource, k.casttarget)
           where t.typnamespace = (select oid from ns)) then 'standalone' end,
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

/** Queries that may give something in a schema. */
export function queriesAbout<Query extends ContentQuery>(
  queries: readonly Query[],
  contents: ReadonlySet<string>,
): Query[] {
  return queries.filter(({ about }) => about === undefined || contents.has(about));
}
