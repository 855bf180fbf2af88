import type { Edit, SqlToken } from "./sql-tokens.ts";

/** Where a row of one of PostgreSQL's catalogs says which schema it is of. */
const CATALOGS: Readonly<Record<string, string>> = {
  pg_class: "relnamespace",
  pg_type: "typnamespace",
  pg_proc: "pronamespace",
  pg_constraint: "connamespace",
  pg_operator: "oprnamespace",
  pg_collation: "collnamespace",
  pg_statistic_ext: "stxnamespace",
  pg_ts_config: "cfgnamespace",
  pg_ts_dict: "dictnamespace",
};

/** The same for catalogs whose rows are part of something. */
const PARTS: Readonly<Record<string, string>> = {
  pg_trigger: "tgrelid in (select c.oid from pg_catalog.pg_class c where c.relnamespace",
  pg_policy: "polrelid in (select c.oid from pg_catalog.pg_class c where c.relnamespace",
  pg_enum: "enumtypid in (select t.oid from pg_catalog.pg_type t where t.typnamespace",
};

/** The same for views of the system, which give the schema's name. */
const VIEWS: Readonly<Record<string, string>> = {
  pg_tables: "schemaname",
  pg_views: "schemaname",
  pg_matviews: "schemaname",
  pg_indexes: "schemaname",
  pg_sequences: "schemaname",
  pg_policies: "schemaname",
  pg_rules: "schemaname",
};

const STANDARD_VIEWS: Readonly<Record<string, string>> = {
  check_constraints: "constraint_schema",
  column_domain_usage: "table_schema",
  column_udt_usage: "table_schema",
  columns: "table_schema",
  constraint_column_usage: "table_schema",
  constraint_table_usage: "table_schema",
  domains: "domain_schema",
  key_column_usage: "table_schema",
  referential_constraints: "constraint_schema",
  routines: "routine_schema",
  sequences: "sequence_schema",
  table_constraints: "table_schema",
  tables: "table_schema",
  triggers: "trigger_schema",
  user_defined_types: "user_defined_type_schema",
  views: "table_schema",
};

const SEEN = "any (pg_catalog.current_schemas(true))";
const IN_SEEN = `in (select n.oid from pg_catalog.pg_namespace n where n.nspname = ${SEEN})`;

/**
 * Has queries of the catalogs see what is in the search path, as in a database of the module's own: a file that asks
 * whether a type or constraint of some name is there means its own, not another tenant's or a rollback point's.
 */
export function ownCatalog(tokens: readonly SqlToken[]): Edit[] {
  const edits: Edit[] = [];
  const clauses: string[] = [""];
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1]?.word ?? "";
    if (token.raw === "(") clauses.push(before === "from" || before === "join" ? "from" : "");
    else if (token.raw === ")" && clauses.length > 1) clauses.pop();
    else if (token.kind === "keyword" && CLAUSES.has(token.word)) clauses[clauses.length - 1] = token.word;
    if (!beginsRelation(before, tokens[index - 2]?.word ?? "", clauses.at(-1) ?? "")) continue;
    const named = nameAt(tokens, index);
    if (named === undefined) continue;
    const { name, last, condition } = named;
    const source = `(select * from ${name} where ${condition})`;
    const by = hasAlias(tokens[last + 1]) ? source : `${source} ${tokens[last]?.raw ?? ""}`;
    edits.push({ start: token.start, end: tokens[last]?.end ?? token.end, by });
  }
  return edits;
}

const CLAUSES: ReadonlySet<string> = new Set([
  "select", "from", "where", "group", "order", "having", "set", "values", "returning", "insert", "on",
]); // prettier-ignore

function beginsRelation(before: string, secondBefore: string, clause: string): boolean {
  if (before === "join") return true;
  if (before === "from") return secondBefore !== "distinct" && secondBefore !== "delete";
  return clause === "from" && (before === "," || before === "(");
}

/** The catalog that is named at a place, as long as the name is not that of a column's table. */
function nameAt(
  tokens: readonly SqlToken[],
  index: number,
): { name: string; last: number; condition: string } | undefined {
  const first = tokens[index]?.word ?? "";
  const isQualified = (first === "pg_catalog" || first === "information_schema") && tokens[index + 1]?.raw === ".";
  const last = isQualified ? index + 2 : index;
  const name = tokens[last]?.word ?? "";
  if (tokens[last + 1]?.raw === "." || tokens[last + 1]?.raw === "(") return undefined;
  if (isQualified && first === "information_schema") {
    const column = own(STANDARD_VIEWS, name);
    if (column === undefined) return undefined;
    return { name: `information_schema.${name}`, last, condition: `${column} = ${SEEN}` };
  }
  const catalog = own(CATALOGS, name);
  const part = own(PARTS, name);
  const view = own(VIEWS, name);
  const qualified = `pg_catalog.${name}`;
  if (catalog !== undefined) return { name: qualified, last, condition: `${catalog} ${IN_SEEN}` };
  if (part !== undefined) return { name: qualified, last, condition: `${part} ${IN_SEEN})` };
  return view === undefined ? undefined : { name: qualified, last, condition: `${view} = ${SEEN}` };
}

function own(map: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/** What can follow a table that has no name of its own; any other word is one. */
const FOLLOWING: ReadonlySet<string> = new Set([
  "where", "join", "inner", "left", "right", "full", "cross", "natural", "group", "order", "limit", "union", "intersect",
  "except", "having", "on", "using", "for", "fetch", "offset", "window", "returning", "loop", "then", "into",
  "tablesample", "end",
]); // prettier-ignore

function hasAlias(next: SqlToken | undefined): boolean {
  return next !== undefined && (next.kind === "name" || next.kind === "keyword") && !FOLLOWING.has(next.word);
}
