import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/**
 * The search path under which definitions of a schema are read and run: the schema itself, then those that hold
 * extensions, in the order of their names. An extension's objects so have the same short names in a schema and its copy,
 * even where the extension is installed in the schema itself.
 */
export async function searchPathOf(client: ClientBase, schema: string): Promise<string> {
  return (await searchPathsIn(client))(schema);
}

/** The same for several schemas of a database. */
export async function searchPathsIn(client: ClientBase): Promise<(schema: string) => string> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct n.nspname as name from pg_extension e join pg_namespace n on n.oid = e.extnamespace
     where n.nspname <> 'pg_catalog' order by n.nspname`,
  );
  return (schema) =>
    [schema, ...rows.map(({ name }) => name).filter((name) => name !== schema)].map(quoteIdentifier).join(", ");
}

/** Settings for queries on the catalog, which are many and short: PostgreSQL would spend more on planning than on them. */
export const CATALOG_SETTINGS = { jit: "off", join_collapse_limit: "1", max_parallel_workers_per_gather: "0" };
