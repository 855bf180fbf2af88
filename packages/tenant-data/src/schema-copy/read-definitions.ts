import type { ClientBase } from "pg";
import { quoteLiteral } from "../quote-identifier.ts";
import { queryAll } from "../query-all.ts";
import { ATTACHED_DEFINITIONS } from "./attached-definitions.ts";
import type { DefinitionKind } from "./definition-query.ts";
import { DEPENDENCIES } from "./dependencies.ts";
import { KEY_DEFINITIONS } from "./key-definitions.ts";
import { type Dependency, orderDefinitions, type OrderedDefinitions } from "./order-definitions.ts";
import { SETTING_DEFINITIONS } from "./setting-definitions.ts";
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
  ...TYPE_DEFINITIONS,
  ...TABLE_DEFINITIONS,
  ...KEY_DEFINITIONS,
  ...VIEW_DEFINITIONS,
  ...SETTING_DEFINITIONS,
  ...ATTACHED_DEFINITIONS,
];

/** Reads the statements that make a schema, which must be first in the search path, in one round trip. */
export async function readDefinitions(client: ClientBase, schema: string): Promise<OrderedDefinitions> {
  const literal = quoteLiteral(schema);
  const texts = [...QUERIES.map(({ sql }) => sql), DEPENDENCIES].map((text) => text.replaceAll("$1", () => literal));
  const results = await queryAll(client, texts);
  const definitions = QUERIES.flatMap(({ kind }, index) =>
    (results[index]?.rows ?? []).flatMap((row: Row): Definition[] =>
      row.statement === null ? [] : [{ kind, key: row.key, statement: row.statement }],
    ),
  );
  const dependencies: Dependency[] = results.at(-1)?.rows ?? [];
  return orderDefinitions(definitions, dependencies);
}

interface Row {
  readonly key: string | null;
  readonly statement: string | null;
}
