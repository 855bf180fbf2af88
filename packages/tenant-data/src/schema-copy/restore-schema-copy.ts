import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/**
 * Puts a copy in a schema's place, by rename: about a millisecond whatever its size. What was there is dropped, or kept
 * under the name `aside`. Waits for transactions that use the schema's tables, and for nothing else.
 */
export async function restoreSchemaCopy(
  client: ClientBase,
  { copy, schema, aside }: { copy: string; schema: string; aside?: string },
): Promise<void> {
  const name = quoteIdentifier(schema);
  if (aside === undefined) await client.query(`drop schema ${name} cascade`);
  else await client.query(`alter schema ${name} rename to ${quoteIdentifier(aside)}`);
  await client.query(`alter schema ${quoteIdentifier(copy)} rename to ${name}`);
}
