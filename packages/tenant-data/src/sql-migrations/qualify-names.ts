import { quoteIdentifier } from "../quote-identifier.ts";
import { tenantSearchPath } from "../roles/tenant-search-path.ts";
import { ownCatalog } from "./own-catalog.ts";
import { applyEdits, type Edit, readString, type SqlToken, sqlTokens } from "./sql-tokens.ts";

/** What stands for the schemas that a file names. */
export interface SchemaStandIn {
  /** The tenant's own. */
  readonly schema: string;
  /** What the files call it: `public`, and the schemas that they make. */
  readonly names: ReadonlySet<string>;
  /** Names of extensions' objects, with the schema where each is. A name that the tenant has too is left out. */
  readonly extensionNames: ReadonlyMap<string, string>;
}

/**
 * How a text is run: as a statement, as the body of a function, or as SQL that such a body puts together; `pathed body`
 * is that of a function with a search path of its own, which says itself whose catalogs it means.
 */
type Form = "statement" | "body" | "pathed body" | "dynamic";

/**
 * Writes a statement anew so that what it calls `public`, and schemas that the files make, is the tenant's schema: in front of names, in function bodies
 * and DO blocks, in strings that are names (`'public.notes'::regclass`, `nextval('public.s')`), and where a schema's
 * name is compared (`table_schema = 'public'`). Queries of the catalogs see what the tenant's search path does. Owners
 * that it names become the current user. Comments and all other strings stay; no line is added or taken.
 */
export async function qualifyNames(sql: string, place: SchemaStandIn): Promise<string> {
  return (await rewrite(sql, place, "statement")) ?? sql;
}

/** Undefined for a text that the scanner does not take. */
async function rewrite(text: string, all: SchemaStandIn, form: Form): Promise<string | undefined> {
  if (!/owner|pg_|information_schema/i.test(text) && !namesOneOf(text, all.names)) return text;
  const tokens = await sqlTokens(text);
  if (tokens === undefined) return undefined;
  const place = { ...all, names: namesHere(tokens, all.names) };
  const edits: Edit[] = asksCatalogs(form, tokens) ? ownCatalog(tokens) : [];
  const bodyForm = tokens.some(({ word }) => word === "search_path") ? "pathed body" : "body";
  const bodies = form === "statement" ? bodyTokens(tokens) : new Set<SqlToken>();
  const calls: string[] = [];
  let head: SqlToken | undefined;
  let pathUntil = -1;
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (before === undefined || STARTS_STATEMENT.has(before.word)) head = token;
    if (token.raw === "(") calls.push(before !== undefined && isWord(before) ? before.word : "");
    if (token.raw === ")") calls.pop();
    if (beginsPath(tokens, index)) pathUntil = endOfList(tokens, index + 2);
    const inPath = index < pathUntil;
    if (isWord(token)) {
      const by = replacementOfName(tokens, index, place, { inPath, form });
      if (by !== undefined) edits.push({ start: token.start, end: token.end, by });
    } else if (token.kind === "string") {
      const constant = readString(token.raw);
      if (constant === undefined) continue;
      const { value } = constant;
      let now = value;
      if (bodies.has(token)) now = (await rewrite(value, place, bodyForm)) ?? value;
      else if (inPath) now = pathPart(value, place);
      else now = replacementOfString(tokens, index, value, calls.at(-1) ?? "", place) ?? value;
      if (now === value && form !== "statement" && isDynamic(value, head, calls)) {
        now = (await rewrite(value, place, "dynamic")) ?? value;
      }
      if (now !== value) edits.push({ start: token.start, end: token.end, by: inPath ? now : constant.write(now) });
    }
  }
  return applyEdits(text, edits);
}

/** Whether a text may name one of some schemas. */
export function namesOneOf(text: string, names: ReadonlySet<string>): boolean {
  const folded = text.toLowerCase();
  return [...names].some((name) => folded.includes(name.toLowerCase()));
}

/**
 * The schemas' names, without those that are something else in this text: one that also stands where no other name
 * follows is a table, a variable or an alias there.
 */
function namesHere(tokens: readonly SqlToken[], names: ReadonlySet<string>): ReadonlySet<string> {
  if (names.size === 1) return names;
  const used = new Set<string>();
  let pathUntil = -1;
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (beginsPath(tokens, index)) pathUntil = endOfList(tokens, index + 2);
    if (index < pathUntil) continue;
    if (!isWord(token) || token.word === "public" || !names.has(token.word)) continue;
    if (tokens[index + 1]?.raw !== "." && before?.raw !== "." && before?.word !== "schema") used.add(token.word);
  }
  return new Set([...names].filter((name) => !used.has(name)));
}

/** Views and other definitions stay as they are written. */
function asksCatalogs(form: Form, tokens: readonly SqlToken[]): boolean {
  if (form === "statement") return QUERIES.has(tokens[0]?.word ?? "");
  return form === "body" || (form === "dynamic" && tokens[0]?.word !== "create");
}

const QUERIES: ReadonlySet<string> = new Set(["select", "with", "insert", "update", "delete", "merge"]);

const isWord = (token: SqlToken | undefined): boolean => token?.kind === "name" || token?.kind === "keyword";

const STARTS_STATEMENT: ReadonlySet<string> = new Set([";", "begin", "then", "else", "loop"]);

/** Bodies of functions, procedures and DO blocks in SQL and PL/pgSQL; other languages have words of their own. */
function bodyTokens(tokens: readonly SqlToken[]): ReadonlySet<SqlToken> {
  const words = tokens.map((token) => token.word);
  const language = words.findIndex((word, index) => word === "language" && index + 1 < tokens.length);
  const named = tokens[language + 1];
  const name = language === -1 ? "plpgsql" : (readString(named?.raw ?? "")?.value ?? named?.word ?? "").toLowerCase();
  if (name !== "plpgsql" && name !== "sql") return new Set();
  if (words[0] === "do") return new Set(tokens.filter((token) => token.kind === "string" && token !== named));
  const kind =
    words[0] === "create" ? words.slice(1, 4).find((word) => word === "function" || word === "procedure") : undefined;
  if (kind === undefined) return new Set();
  return new Set(tokens.filter((token, index) => token.kind === "string" && words[index - 1] === "as"));
}

function replacementOfName(
  tokens: readonly SqlToken[],
  index: number,
  place: SchemaStandIn,
  { inPath, form }: { inPath: boolean; form: Form },
): string | undefined {
  const token = tokens[index];
  const before = tokens[index - 1];
  const after = tokens[index + 1];
  if (before?.word === "to" && tokens[index - 2]?.word === "owner") {
    return form === "dynamic" ? undefined : "current_user";
  }
  if (token === undefined || !place.names.has(token.word) || before?.raw === ".") return undefined;
  if (inPath) return tenantSearchPath(place.schema);
  if (after?.raw === ".") {
    const named = tokens[index + 2];
    if (isWord(named) || before?.word === "operator" || calledOperator(tokens, index)) {
      return quoteIdentifier(schemaOf(named?.word ?? "", place));
    }
    // The name is put in later: `'drop table public.' || name`, `format('… public.%I', name)`.
    return form === "dynamic" ? quoteIdentifier(place.schema) : undefined;
  }
  return before?.word === "schema" ? quoteIdentifier(place.schema) : undefined;
}

/** `operator (public.<=)` */
function calledOperator(tokens: readonly SqlToken[], index: number): boolean {
  return tokens[index - 1]?.raw === "(" && tokens[index - 2]?.word === "operator";
}

function schemaOf(name: string, place: SchemaStandIn): string {
  return place.extensionNames.get(name) ?? place.schema;
}

function beginsPath(tokens: readonly SqlToken[], index: number): boolean {
  const after = tokens[index + 1];
  return tokens[index]?.word === "search_path" && (after?.raw === "=" || after?.word === "to");
}

/** Where the values of a setting end. */
function endOfList(tokens: readonly SqlToken[], from: number): number {
  let index = from + 1;
  while (tokens[index]?.raw === "," && tokens[index + 1] !== undefined) index += 2;
  return index;
}

/** One string among the values of a search path, as it is written there. */
function pathPart(value: string, place: SchemaStandIn): string {
  return place.names.has(value) ? tenantSearchPath(place.schema) : value;
}

/** Types whose text form is a name. */
const NAME_TYPES: ReadonlySet<string> = new Set([
  "regclass",
  "regtype",
  "regproc",
  "regprocedure",
  "regoper",
  "regoperator",
  "regconfig",
  "regdictionary",
  "regcollation",
]);

/** Functions that take names of tables, sequences, functions and the like as text. */
const NAME_FUNCTIONS: ReadonlySet<string> = new Set([
  "nextval", "setval", "currval", "to_regclass", "to_regtype", "to_regproc", "to_regprocedure", "to_regoper",
  "to_regoperator", "pg_get_serial_sequence", "pg_relation_size", "pg_total_relation_size", "pg_table_size",
  "pg_indexes_size", "has_table_privilege", "has_any_column_privilege", "has_column_privilege",
  "has_sequence_privilege", "has_function_privilege", "has_type_privilege", "pg_sequence_last_value", "pg_get_viewdef",
  "unaccent", "ts_lexize", "to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery",
  "ts_headline", "tsvector_update_trigger", "pg_get_indexdef", "obj_description", "col_description",
]); // prettier-ignore

/** Columns and variables that hold a schema's name. */
const SCHEMA_COLUMN =
  /^(table_schema|(?:constraint|unique_constraint|view|sequence|trigger|event_object|udt|routine|specific|domain|object|parameter|user_defined_type)_schema|schemaname|schema_name|nspname|current_schema|p_schema|v_schema|_schema|schemaname_in)$/;

/** Functions that put a name into SQL. */
const QUOTING: ReadonlySet<string> = new Set(["format", "quote_ident"]);

function replacementOfString(
  tokens: readonly SqlToken[],
  index: number,
  value: string,
  call: string,
  place: SchemaStandIn,
): string | undefined {
  if (!namesOneOf(value, place.names)) return undefined;
  const cast = castOf(tokens, index);
  if (place.names.has(value)) {
    if (cast === "regnamespace" || call === "to_regnamespace" || QUOTING.has(call)) return place.schema;
    return isComparedSchema(tokens, index) ? place.schema : undefined;
  }
  if (call === "set_config" && tokens[index - 2]?.raw.toLowerCase() === "'search_path'") {
    const parts = value.split(",").map((part) => part.trim());
    const isOurs = (part: string): boolean => place.names.has(unquotedName(part));
    return parts.map((part) => (isOurs(part) ? tenantSearchPath(place.schema) : part)).join(", ");
  }
  if (!NAME_TYPES.has(cast) && !NAME_FUNCTIONS.has(call)) return undefined;
  const [, schema = "", rest = ""] = /^\s*("(?:[^"]|"")+"|[\w$]+)\.([\s\S]+)$/.exec(value) ?? [];
  if (!place.names.has(unquotedName(schema))) return undefined;
  const name = /^("(?:[^"]|"")+"|[^\s("]+)/.exec(rest)?.[1] ?? "";
  return `${quoteIdentifier(schemaOf(unquotedName(name), place))}.${rest}`;
}

function unquotedName(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

/** The type that a constant is made, in any of its forms: `'x'::type`, `type 'x'`, `cast('x' as type)`. */
function castOf(tokens: readonly SqlToken[], index: number): string {
  const types = tokens
    .slice(index + 1, index + 9)
    .map((token) => token.word)
    .filter((word) => ![")", "pg_catalog", ".", "text", "character", "varying", "name"].includes(word));
  if (types[0] === "as") return types[1] ?? "";
  const cast = types.findLastIndex((word, at) => word === "::" && types.slice(0, at).every((other) => other === "::"));
  if (cast !== -1) return types[cast + 1] ?? "";
  const typed = tokens[index - 1]?.word ?? "";
  return NAME_TYPES.has(typed) || typed === "regnamespace" ? typed : "";
}

/** Whether a constant is compared with a schema's name, or is the first value of a variable for one. */
function isComparedSchema(tokens: readonly SqlToken[], index: number): boolean {
  const following = tokens[index + 1]?.raw;
  if (following === "=" || following === "<>" || following === "!=") {
    const words = tokens.slice(index + 2, index + 6).filter(isWord);
    if (words.some((token) => SCHEMA_COLUMN.test(token.word))) return true;
  }
  for (let at = index - 1; at >= Math.max(0, index - 24); at -= 1) {
    const token = tokens[at];
    if (token === undefined) return false;
    if (isWord(token) && SCHEMA_COLUMN.test(token.word)) return true;
    if (!PASSED_OVER.has(token.word) && token.kind !== "string") return false;
  }
  return false;
}

const PASSED_OVER: ReadonlySet<string> = new Set([
  ",", "(", ")", "[", "=", "<>", "!=", ":=", "::", "in", "not", "any", "all", "array", "like", "ilike", "is", "distinct",
  "from", "text", "name", "varchar", "default",
]); // prettier-ignore

/** Whether a string in a function's body is SQL that it will run. */
function isDynamic(value: string, head: SqlToken | undefined, calls: readonly string[]): boolean {
  if (head?.word === "raise") return false;
  if (head?.word === "execute" || calls.includes("format")) return true;
  return /^\s*(select|insert|update|delete|merge|with|create|alter|drop|truncate|comment|reindex|refresh|analyze|vacuum|lock|copy|call|grant|revoke)\b/i.test(
    value,
  );
}
