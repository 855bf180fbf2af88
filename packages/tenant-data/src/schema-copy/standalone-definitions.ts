import { isNotOfExtension } from "../live-objects.ts";
import { type DefinitionKind, type DefinitionQuery, keyOf } from "./definition-query.ts";

/**
 * Kinds of objects that few schemas have: collations, dictionaries and configurations of text search, operators and
 * casts. One description of each makes the statement of a copy and the line of a fingerprint.
 */
interface StandaloneKind {
  /** As statements call it. */
  readonly name: string;
  readonly kind: DefinitionKind;
  readonly catalog: string;
  /** The object `o` of the schema `n`. */
  readonly from: string;
  /** Its name in statements. */
  readonly identity: string;
  readonly statement: string;
  readonly owner?: string;
}

/** Columns that not all versions of PostgreSQL have. */
const column = (name: string): string => `to_jsonb(o) ->> '${name}'`;

const STANDALONE: readonly StandaloneKind[] = [
  {
    name: "collation",
    kind: "type",
    catalog: "pg_collation",
    from: "pg_collation o join pg_namespace n on n.oid = o.collnamespace",
    identity: "quote_ident(o.collname)",
    owner: "o.collowner",
    statement: `format('create collation %I (%s)', o.collname, concat_ws(', ',
      'provider = ' || case o.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
      'locale = ' || quote_literal(coalesce(${column("colllocale")}, ${column("colliculocale")})),
      'lc_collate = ' || quote_literal(nullif(o.collcollate, '')), 'lc_ctype = ' || quote_literal(nullif(o.collctype, '')),
      case when not o.collisdeterministic then 'deterministic = false' end,
      'rules = ' || quote_literal(${column("collicurules")})))`,
  },
  {
    name: "text search dictionary",
    kind: "type",
    catalog: "pg_ts_dict",
    from: `pg_ts_dict o join pg_namespace n on n.oid = o.dictnamespace join pg_ts_template m on m.oid = o.dicttemplate
      join pg_namespace mn on mn.oid = m.tmplnamespace`,
    identity: "quote_ident(o.dictname)",
    owner: "o.dictowner",
    statement: `format('create text search dictionary %I (%s)', o.dictname, concat_ws(', ',
      format('template = %I.%I', mn.nspname, m.tmplname), nullif(o.dictinitoption, '')))`,
  },
  {
    name: "text search configuration",
    kind: "type",
    catalog: "pg_ts_config",
    from: `pg_ts_config o join pg_namespace n on n.oid = o.cfgnamespace join pg_ts_parser p on p.oid = o.cfgparser
      join pg_namespace pn on pn.oid = p.prsnamespace`,
    identity: "quote_ident(o.cfgname)",
    owner: "o.cfgowner",
    statement: "format('create text search configuration %I (parser = %I.%I)', o.cfgname, pn.nspname, p.prsname)",
  },
  {
    name: "operator",
    kind: "function",
    catalog: "pg_operator",
    // One that others name as their counterpart and nobody made has no function.
    from: "pg_operator o join pg_namespace n on n.oid = o.oprnamespace and o.oprcode <> 0",
    identity: `o.oprname || ' (' || coalesce(format_type(nullif(o.oprleft, 0), null), 'none') || ', ' ||
      format_type(o.oprright, null) || ')'`,
    owner: "o.oprowner",
    statement: `format('create operator %s (%s)', o.oprname, concat_ws(', ', 'function = ' || o.oprcode,
      'leftarg = ' || format_type(nullif(o.oprleft, 0), null), 'rightarg = ' || format_type(o.oprright, null),
      'commutator = ' || (select c.oprname from pg_operator c where c.oid = o.oprcom and c.oprnamespace = n.oid),
      'negator = ' || (select c.oprname from pg_operator c where c.oid = o.oprnegate and c.oprnamespace = n.oid),
      'restrict = ' || nullif(o.oprrest::oid, 0)::regproc, 'join = ' || nullif(o.oprjoin::oid, 0)::regproc,
      case when o.oprcanhash then 'hashes' end, case when o.oprcanmerge then 'merges' end))`,
  },
  {
    name: "cast",
    kind: "function",
    catalog: "pg_cast",
    from: `pg_cast o join pg_type s on s.oid = o.castsource join pg_type t on t.oid = o.casttarget
      join pg_namespace n on n.oid in (s.typnamespace, t.typnamespace) and not exists (select from pg_depend i
        where i.classid = 'pg_cast'::regclass and i.objid = o.oid and i.deptype = 'i')`,
    identity: "format('(%s as %s)', format_type(s.oid, null), format_type(t.oid, null))",
    statement: `format('create cast (%s as %s) %s%s', format_type(s.oid, null), format_type(t.oid, null),
      case o.castmethod when 'i' then 'with inout' when 'b' then 'without function'
        else 'with function ' || o.castfunc::regprocedure end,
      case o.castcontext when 'i' then ' as implicit' when 'a' then ' as assignment' else '' end)`,
  },
];

/** Which objects of a kind are the schema's own. */
const own = ({ catalog, from }: StandaloneKind): string =>
  `${from} where n.nspname = $1 and ${isNotOfExtension(catalog, "o.oid")}`;

const description = (catalog: string): string =>
  `(select d.description from pg_description d where d.classoid = '${catalog}'::regclass and d.objoid = o.oid)`;

/** What words of a configuration go through, by the kind of word. */
const MAPPINGS = `select o.cfgname as name, k.alias as word,
    string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno) as dictionaries
  from pg_ts_config o join pg_namespace n on n.oid = o.cfgnamespace
    join pg_ts_config_map m on m.mapcfg = o.oid cross join lateral ts_token_type(o.cfgparser) k
  where n.nspname = $1 and k.tokid = m.maptokentype and ${isNotOfExtension("pg_ts_config", "o.oid")}
  group by o.cfgname, k.tokid, k.alias`;

export const STANDALONE_DEFINITIONS: readonly DefinitionQuery[] = [
  ...STANDALONE.map((one): DefinitionQuery => ({
    kind: one.kind,
    about: "standalone",
    sql: `select ${keyOf(one.catalog, "o.oid")} as key, ${one.statement} as statement from ${own(one)} order by o.oid`,
  })),
  {
    kind: "type",
    about: "standalone",
    sql: `select null as key, format('alter text search configuration %I add mapping for %s with %s', name, word, dictionaries)
      as statement from (${MAPPINGS}) m`,
  },
  ...STANDALONE.map((one): DefinitionQuery => ({
    kind: "comment",
    about: "standalone",
    sql: `select null as key, format('comment on ${one.name} %s is %L', ${one.identity}, ${description(one.catalog)})
      as statement from ${own(one)} and ${description(one.catalog)} is not null`,
  })),
];

/** For fingerprints: rows (object, definition). */
export const STANDALONE_STRUCTURE: readonly { readonly about: "standalone"; readonly sql: string }[] = [
  ...STANDALONE.map((one) => ({
    about: "standalone" as const,
    sql: `select '${one.name} ' || ${one.identity} as object, jsonb_build_array(${one.statement},
      ${one.owner === undefined ? "null" : `pg_get_userbyid(${one.owner})`}, ${description(one.catalog)})::text
      as definition from ${own(one)}`,
  })),
  {
    about: "standalone",
    sql: `select format('text search configuration %I for %s', name, word) as object, dictionaries as definition
      from (${MAPPINGS}) m`,
  },
];

/** Catalogs of these kinds. */
export const STANDALONE_CATALOGS: readonly string[] = STANDALONE.map(({ catalog }) => catalog);
