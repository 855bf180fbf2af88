import type { ClientBase } from "pg";
import { differencesOf } from "../fingerprint/describe-difference.ts";
import { readStructures, type StructureLine } from "../fingerprint/read-structure.ts";
import { searchPathOf } from "../fingerprint/search-path.ts";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { queryAllNaming, StatementError } from "../query-all.ts";
import { withSettings } from "../with-settings.ts";
import { assertCopyable } from "./assert-copyable.ts";
import { copyRows } from "./copy-rows.ts";
import { copySequences } from "./copy-sequences.ts";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";
import { lockStructure } from "./lock-structure.ts";
import { assertStandsAlone } from "./outside-references.ts";
import { moveNames } from "./move-names.ts";
import { type Definition, readDefinitions } from "./read-definitions.ts";
import { schemaDefinitions } from "./schema-rights.ts";

/** The size of a copy. */
export interface CopySize {
  readonly tables: number;
  readonly rows: number;
  /** On disk, indexes included. */
  readonly bytes: number;
  /** Rows that each table itself holds. */
  readonly rowsByTable: Readonly<Record<string, number>>;
  /** Of both: for a fingerprint of the copy. */
  readonly structure: readonly StructureLine[];
}

/**
 * Makes a true copy of a schema: every kind of object, all rows, owners, rights and comments. What the engine derives
 * from live versions and what belongs to extensions is left out; materialized views are computed anew.
 *
 * The copy is of one moment when the caller's transaction is "repeatable read", whoever writes meanwhile: tables are
 * locked only against changes of their structure and truncation (ACCESS SHARE); one that slips in before is SQLSTATE
 * 40001, to be tried again. In a "read
 * committed" transaction nobody else may write to the schema until it ends. One lock is stronger: a table whose
 * row-level security is forced on its owner, when the session's role may not bypass that, is kept from others until the
 * transaction ends.
 *
 * The definitions are read with the schema as the search path, which leaves its name out of them, and run with the copy
 * as the search path. Afterwards both structures are compared object by object, so that a kind of object that is not
 * copied is an error and never a silent loss.
 *
 * Sequences know no transactions: each has in the copy the position of a moment after the snapshot, so that it is at
 * least as far as every row that was copied.
 *
 * @throws CopyUnsupportedError when the copy would not be true; the caller must roll back
 */
export async function createSchemaCopy(
  client: ClientBase,
  { from, to }: { from: string; to: string },
): Promise<CopySize> {
  const { owner, schema, defaults } = await schemaDefinitions(client, { from, to });
  await lockStructure(client, from);
  const sourcePath = await searchPathOf(client, from);
  const { isEntangled, contents, ...definitions } = await withSettings(client, { search_path: sourcePath }, () =>
    readDefinitions(client, from),
  );
  const beforeData = await moveAll(definitions.beforeData, { from, to });
  const afterData = await moveAll(definitions.afterData, { from, to });
  await assertCopyable(client, from, [...beforeData, ...afterData]);
  await runAll(client, from, schema);
  const settings = {
    role: owner,
    search_path: await searchPathOf(client, to),
    check_function_bodies: "off",
    // A row that a policy would hide is an error.
    row_security: "off",
  };
  await withSettings(client, settings, () => runAll(client, from, statementsOf(beforeData)));
  const rowsByTable = await withoutForcedRowSecurity(client, from, () => copyRows(client, { from, to, settings }));
  await withSettings(client, settings, async () => {
    await copySequences(client, { from, to });
    await runAll(client, from, [...statementsOf(afterData), ...defaults]);
  });
  // A kind that the copy has and the original lacks would not be looked for; nothing makes one.
  const [before = [], structure = []] = await readStructures(client, [from, to], contents);
  const differences = [...differencesOf(before, structure)];
  if (differences.length > 0) throw new CopyUnsupportedError(from, differences);
  // Else all that the copy needs was named without a schema, with the copy as the search path.
  if (isEntangled) await assertStandsAlone(client, { from, copy: to });
  return { ...(await sizeOf(client, to, rowsByTable)), rowsByTable, structure };
}

/** Drops a copy, if it is there. */
export async function dropSchemaCopy(client: ClientBase, copy: string): Promise<void> {
  await client.query(`drop schema if exists ${quoteIdentifier(copy)} cascade`);
}

async function moveAll(definitions: readonly Definition[], names: { from: string; to: string }): Promise<Definition[]> {
  const moved: Definition[] = [];
  for (const one of definitions) moved.push({ ...one, statement: await moveNames(one.statement, names) });
  return moved;
}

function statementsOf(definitions: readonly { readonly statement: string }[]): string[] {
  return definitions.map(({ statement }) => statement);
}

async function runAll(client: ClientBase, schema: string, statements: readonly string[]): Promise<void> {
  await queryAllNaming(client, statements).catch((error: unknown) => {
    if (error instanceof StatementError)
      throw new CopyUnsupportedError(schema, [error.message], { cause: error.cause });
    throw error;
  });
}

async function sizeOf(
  client: ClientBase,
  schema: string,
  rowsByTable: Readonly<Record<string, number>>,
): Promise<Pick<CopySize, "tables" | "rows" | "bytes">> {
  const { rows: sizes } = await client.query<{ tables: number; bytes: string }>(
    `select count(*)::int as tables, coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r'`,
    [schema],
  );
  const rows = Object.values(rowsByTable).reduce((sum, count) => sum + count, 0);
  return { tables: sizes[0]?.tables ?? 0, rows, bytes: Number(sizes[0]?.bytes ?? 0) };
}
