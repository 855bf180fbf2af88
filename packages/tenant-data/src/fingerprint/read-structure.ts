import type { ClientBase } from "pg";
import { queryAllUnder } from "../query-all.ts";
import { quoteLiteral } from "../quote-identifier.ts";
import { queriesAbout, schemaContents } from "./schema-contents.ts";
import { CATALOG_SETTINGS, searchPathsIn } from "./search-path.ts";
import { settledForm } from "./settled-form.ts";
import { STRUCTURE_QUERIES } from "./structure-queries.ts";
import { withoutOwnName } from "./without-own-name.ts";

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
  const [structure] = await readStructures(client, [schema], {
    contents: await schemaContents(client, schema),
    searchPathOf: await searchPathsIn(client),
  });
  return structure ?? [];
}

/** The same for several schemas in one round trip, given what kinds of objects they have. */
export async function readStructures(
  client: ClientBase,
  schemas: readonly string[],
  { contents, searchPathOf }: { contents: ReadonlySet<string>; searchPathOf: (schema: string) => string },
): Promise<StructureLine[][]> {
  const asked = queriesAbout(STRUCTURE_QUERIES, contents);
  const batches: string[][] = [];
  for (const schema of schemas) {
    const path = quoteLiteral(searchPathOf(schema));
    const literal = quoteLiteral(schema);
    const queries = asked.map(({ sql }) => sql.replaceAll("$1", () => literal));
    batches.push([`select set_config('search_path', ${path}, true)`, ...queries]);
  }
  const results = await queryAllUnder(client, { ...CATALOG_SETTINGS, search_path: "pg_catalog" }, batches.flat());
  return batches.map((batch, index) => {
    const mine = results.slice(index * batch.length + 1, (index + 1) * batch.length);
    return mine
      .flatMap(({ rows }): StructureLine[] => rows)
      .map(({ object, definition }) => ({
        object: withoutOwnName(object, schemas[index] ?? ""),
        definition: withoutOwnName(settledForm(definition), schemas[index] ?? ""),
      }))
      .sort((a, b) => compare(a.object, b.object) || compare(a.definition, b.definition));
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
