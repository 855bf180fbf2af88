import { randomBytes } from "node:crypto";
import type { ClientBase } from "pg";
import { rebuildLiveVersions, takeLiveVersionsDown } from "../live/rebuild-live-versions.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { queryAll } from "../query-all.ts";
import { outsideReferences } from "./outside-references.ts";
import { RestoreBlockedError } from "./restore-blocked-error.ts";

/**
 * Puts a copy in a schema's place, by rename: a few milliseconds whatever its size. What was there is dropped, or kept
 * under the name `aside`. Extensions that live in the schema come along. PostgreSQL keeps other sessions from the renamed
 * tables' names only; the caller locks what nobody may use meanwhile.
 *
 * Versions that were live when the copy was made are live again, each with its views, and those that are live now are
 * gone, unless the copy has them. For that, tables that several versions share are locked (ACCESS EXCLUSIVE).
 *
 * @throws RestoreBlockedError when an object outside the schema, such as a view, needs one in it
 */
export async function restoreSchemaCopy(
  client: ClientBase,
  { copy, schema, aside }: { copy: string; schema: string; aside?: string },
): Promise<void> {
  const { rows: extensions } = await client.query<{ name: string }>(
    `select e.extname as name from pg_extension e join pg_namespace n on n.oid = e.extnamespace where n.nspname = $1`,
    [schema],
  );
  await takeLiveVersionsDown(client, schema);
  const references = await outsideReferences(client, schema);
  if (references.length > 0) throw new RestoreBlockedError(schema, references);
  const name = quoteIdentifier(schema);
  const replaced = quoteIdentifier(aside ?? `replaced_${randomBytes(8).toString("hex")}`);
  await queryAll(client, [
    `alter schema ${name} rename to ${replaced}`,
    `alter schema ${quoteIdentifier(copy)} rename to ${name}`,
    ...extensions.map((extension) => `alter extension ${quoteIdentifier(extension.name)} set schema ${name}`),
    ...(aside === undefined ? [`drop schema ${replaced} cascade`] : []),
  ]);
  await rebuildLiveVersions(client, schema);
}
