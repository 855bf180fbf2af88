import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/** The session's path while the engine works: the data's schema first, extensions' after it. */
export async function useSchema(client: ClientBase, schema: string): Promise<void> {
  await client.query(`set search_path = ${quoteIdentifier(schema)}, aibos_extensions, pg_temp`);
}
