import type { ClientBase } from "pg";
import { queryAll } from "../query-all.ts";
import { quoteLiteral } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { queriesAbout, schemaContents } from "./schema-contents.ts";
import { CATALOG_SETTINGS, searchPathOf } from "./search-path.ts";
import { settledForm } from "./settled-form.ts";
import { STRUCTURE_QUERIES } from "./structure-queries.ts";

/** One object of a schema, with all that makes it what it is, as one line of text. */
export interface StructureLine {
  /** Kind and name, such as `column notes.body`. */
  readonly object: string;
  readonly definition: string;
}

/**
 * Describes everything in a schema, in an order of its own. Names inside the schema come out without the schema's name,
 * so that a schema and its copy read the same.
 */
export async function readStructure(client: ClientBase, schema: string): Promise<StructureLine[]> {
  const literal = quoteLiteral(schema);
  const asked = queriesAbout(STRUCTURE_QUERIES, await schemaContents(client, schema));
  const queries = asked.map(({ sql }) => sql.replaceAll("$1", () => literal));
  const results = await withSettings(
    client,
    { ...CATALOG_SETTINGS, search_path: await searchPathOf(client, schema) },
    () => queryAll(client, queries),
  );
  const lines = results
    .flatMap(({ rows }): StructureLine[] => rows)
    .map(({ object, definition }) => ({ object, definition: settledForm(definition) }));
  return lines.sort((a, b) => compare(a.object, b.object) || compare(a.definition, b.definition));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
