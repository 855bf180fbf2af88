import type { ClientBase } from "pg";

/** Runs a query that makes statements: one column, `statement`; $1 is the schema, which is the search path too. */
export async function definitions(client: ClientBase, schema: string, query: string): Promise<string[]> {
  const { rows } = await client.query<{ statement: string | null }>(query, [schema]);
  return rows.flatMap(({ statement }) => (statement === null ? [] : [statement]));
}
