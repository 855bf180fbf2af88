import type { ClientBase } from "pg";
import type { LiveVersion } from "../live-version.ts";
import { readRelation, type RelationFacts } from "../relation-facts.ts";

/** What the catalog says of a version's tables, by their names in the schema. */
export async function readFacts(
  client: ClientBase,
  schema: string,
  { model }: Pick<LiveVersion, "model">,
): Promise<Map<string, RelationFacts>> {
  const facts = new Map<string, RelationFacts>();
  for (const { relation } of model.tables) {
    const found = await readRelation(client, schema, relation);
    if (found !== undefined) facts.set(relation, found);
  }
  return facts;
}
