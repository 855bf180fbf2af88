import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/** The table, in the schema itself, that says which columns are a tenant's own. A copy carries it along. */
export const CUSTOM_FIELDS_TABLE = "aibos_custom_fields";

/** Columns that are a tenant's own, by table in the schema. */
export async function readCustomFields(client: ClientBase, schema: string): Promise<Map<string, Set<string>>> {
  const table = `${quoteIdentifier(schema)}.${CUSTOM_FIELDS_TABLE}`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  const fields = new Map<string, Set<string>>();
  if (found[0]?.there !== true) return fields;
  const { rows } = await client.query<{ relation: string; column: string }>(
    `select relation, column_name as column from ${table}`,
  );
  for (const { relation, column } of rows) fields.set(relation, (fields.get(relation) ?? new Set()).add(column));
  return fields;
}
