import type { ClientBase } from "pg";
import { quoteLiteral } from "../quote-identifier.ts";
import { type Content, queriesAbout, schemaContents } from "../fingerprint/schema-contents.ts";
import { CATALOG_SETTINGS } from "../fingerprint/search-path.ts";
import { queryAllUnder } from "../query-all.ts";
import { ATTACHED_DEFINITIONS } from "./attached-definitions.ts";
import type { DefinitionKind } from "./definition-query.ts";
import { DEPENDENCIES } from "./dependencies.ts";
import { KEY_DEFINITIONS } from "./key-definitions.ts";
import { type Dependency, orderDefinitions, type OrderedDefinitions } from "./order-definitions.ts";
import { SETTING_DEFINITIONS } from "./setting-definitions.ts";
import { STANDALONE_DEFINITIONS } from "./standalone-definitions.ts";
import { TABLE_DEFINITIONS } from "./table-definitions.ts";
import { TYPE_DEFINITIONS } from "./type-definitions.ts";
import { VIEW_DEFINITIONS } from "./view-definitions.ts";

/** One statement of a schema's definition. */
export interface Definition {
  readonly kind: DefinitionKind;
  /** Which object it makes; null when it adds something to objects that are there. */
  readonly key: string | null;
  readonly statement: string;
}

const QUERIES = [
  ...STANDALONE_DEFINITIONS,
  ...TYPE_DEFINITIONS,
  ...TABLE_DEFINITIONS,
  ...KEY_DEFINITIONS,
  ...VIEW_DEFINITIONS,
  ...SETTING_DEFINITIONS,
  ...ATTACHED_DEFINITIONS,
];

/**
 * Reads the statements that make a schema.
 *
 * @param searchPath with the schema first; without it, the session's is such a path
 */
export async function readDefinitions(
  client: ClientBase,
  schema: string,
  searchPath?: string,
): Promise<OrderedDefinitions & { readonly isEntangled: boolean; readonly contents: ReadonlySet<string> }> {
  const literal = quoteLiteral(schema);
  const contents = await schemaContents(client, schema);
  const queries = queriesAbout(QUERIES, contents);
  // Tables, sequences and keys are in order by their kinds already.
  const isEntangled = ENTANGLED.some((content) => contents.has(content));
  const texts = [...queries.map(({ sql }) => sql), ...(isEntangled ? [DEPENDENCIES] : [])];
  const results = await queryAllUnder(
    client,
    { ...CATALOG_SETTINGS, ...(searchPath === undefined ? {} : { search_path: searchPath }) },
    texts.map((text) => text.replaceAll("$1", () => literal)),
  );
  const definitions = queries.flatMap(({ kind }, index) =>
    (results[index]?.rows ?? []).flatMap((row: Row): Definition[] =>
      row.statement === null ? [] : [{ kind, key: row.key, statement: row.statement }],
    ),
  );
  const dependencies: Dependency[] = isEntangled ? (results.at(-1)?.rows ?? []) : [];
  return { ...orderDefinitions(definitions, dependencies), isEntangled, contents };
}

/** What needs other objects in ways that names alone do not tell. */
const ENTANGLED: readonly Content[] = ["family", "function", "materialized view", "rule", "standalone", "type", "view"];

interface Row {
  readonly key: string | null;
  readonly statement: string | null;
}
