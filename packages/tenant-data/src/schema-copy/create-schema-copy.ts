import type { ClientBase, QueryResult } from "pg";
import { differencesOf } from "../fingerprint/describe-difference.ts";
import { readStructures, type StructureLine } from "../fingerprint/read-structure.ts";
import { searchPathsIn } from "../fingerprint/search-path.ts";
import { withoutForcedRowSecurity } from "../fingerprint/row-security.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { queryAllNaming, settingsAround, StatementError } from "../query-all.ts";
import { assertCopyable } from "./assert-copyable.ts";
import { readRowStatements } from "./copy-rows.ts";
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
 * Functions whose text has the schema's name have it in the copy, too, which makes them right when the copy takes the
 * original's place. With `functionsName: "copy"` they name the copy, which is then to be used under its own name.
 *
 * Sequences know no transactions: each has in the copy the position of a moment after the snapshot, so that it is at
 * least as far as every row that was copied.
 *
 * @throws CopyUnsupportedError when the copy would not be true; the caller must roll back
 */
export async function createSchemaCopy(
  client: ClientBase,
  { from, to, functionsName = "original" }: { from: string; to: string; functionsName?: "original" | "copy" },
): Promise<CopySize> {
  const { owner, schema, defaults } = await schemaDefinitions(client, { from, to });
  await lockStructure(client, from);
  const searchPathOf = await searchPathsIn(client);
  const searchPath = searchPathOf(from);
  const { isEntangled, contents, ...definitions } = await readDefinitions(client, from, searchPath);
  const beforeData = await moveAll(definitions.beforeData, { from, to });
  const afterData = await moveAll(definitions.afterData, { from, to });
  await assertCopyable(client, from, [...beforeData, ...afterData]);
  const meanwhile = namingCopy([...beforeData, ...afterData], { from, to });
  const during = (some: readonly Definition[]): string[] => some.map((one) => meanwhile.get(one) ?? one.statement);
  const asWritten = functionsName === "original" ? statementsOf([...meanwhile.keys()]) : [];
  const { inserts, positions } = await readRowStatements(client, { from, to, searchPath });
  const { set, reset } = settingsAround({
    role: owner,
    search_path: searchPathOf(to),
    check_function_bodies: "off",
    // A row that a policy would hide is an error.
    row_security: "off",
  });
  const empty = [...schema, ...set, ...during(beforeData)];
  const rest = [...positions, ...during(afterData), ...asWritten, ...defaults, ...reset];
  const run = (): Promise<QueryResult[]> => runAll(client, from, [...empty, ...statementsOf(inserts), ...rest]);
  const results = await (contents.has("setting") ? withoutForcedRowSecurity(client, from, run) : run());
  const rowsByTable = Object.fromEntries(
    inserts.map(({ table }, index) => [table, results[empty.length + index]?.rowCount ?? 0]),
  );
  // A kind that the copy has and the original lacks would not be looked for; nothing makes one.
  const [before = [], structure = []] = await readStructures(client, [from, to], { contents, searchPathOf });
  const expected = functionsName === "original" ? before : before.map((line) => namingIn(line, { from, to }));
  const differences = [...differencesOf(expected, structure)];
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

/**
 * Functions with the schema's name in their text, with a text that names the copy. They have it while the copy is made,
 * so that a check or an index that calls one reads the copy's tables, and are then made again as they were written.
 */
function namingCopy(
  definitions: readonly Definition[],
  { from, to }: { from: string; to: string },
): ReadonlyMap<Definition, string> {
  const name = nameIn(from);
  return new Map(
    definitions.flatMap((one) => {
      if (one.kind !== "function" || !/^create or replace /i.test(one.statement)) return [];
      const statement = one.statement.replaceAll(name, () => to);
      return statement === one.statement ? [] : [[one, statement] as const];
    }),
  );
}

/** Where a text has a name, as a whole word. */
function nameIn(name: string): RegExp {
  return new RegExp(`(?<![\\w$])${name.replaceAll(/[^\w]/g, "\\$&")}(?![\\w$])`, "gu");
}

function namingIn(line: StructureLine, { from, to }: { from: string; to: string }): StructureLine {
  if (!line.object.startsWith("function ")) return line;
  return { ...line, definition: line.definition.replaceAll(nameIn(from), () => to) };
}

function statementsOf(definitions: readonly { readonly statement: string }[]): string[] {
  return definitions.map(({ statement }) => statement);
}

async function runAll(client: ClientBase, schema: string, statements: readonly string[]): Promise<QueryResult[]> {
  return queryAllNaming(client, statements).catch((error: unknown) => {
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
    // Pages are known where an index was built, which spares asking the disk.
    `select (count(*) filter (where c.relkind = 'r'))::int as tables, coalesce(sum(
       case when c.relpages > 0 then c.relpages * current_setting('block_size')::bigint else pg_relation_size(c.oid) end
       + case when c.reltoastrelid = 0 then 0 else pg_total_relation_size(c.reltoastrelid) end), 0)::text as bytes
     from pg_class c where c.relnamespace = (select n.oid from pg_namespace n where n.nspname = $1)
       and c.relkind in ('r', 'i')`,
    [schema],
  );
  const rows = Object.values(rowsByTable).reduce((sum, count) => sum + count, 0);
  return { tables: sizes[0]?.tables ?? 0, rows, bytes: Number(sizes[0]?.bytes ?? 0) };
}
