import { textOf } from "../statement-risk/syntax-tree.ts";
import type { SqlStatement } from "./split-statements.ts";
import { readString, sqlTokens } from "./sql-tokens.ts";

/** SQLSTATEs that say that a statement can't be part of a transaction that others began. */
export const OUTSIDE_ONLY: ReadonlySet<string> = new Set([
  // "cannot run inside a transaction block"
  "25001",
  // A block or procedure that commits.
  "2D000",
  // A new value of an enumeration, used before it is committed.
  "55P04",
]);

/** Whether PostgreSQL refuses a statement in a transaction block, as far as it can be read off the statement. */
export async function needsNoTransaction({ type, fields, sql }: SqlStatement): Promise<boolean> {
  switch (type) {
    case "VacuumStmt":
      return fields["is_vacuumcmd"] === true;
    case "ClusterStmt":
      return fields["relation"] === undefined;
    case "ReindexStmt":
      return (
        ["REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"].includes(
          textOf(fields["kind"]),
        ) || JSON.stringify(fields["params"] ?? []).includes('"concurrently"')
      );
    case "DoStmt":
      return commits(sql);
    default:
      return false;
  }
}

/** A DO block that ends transactions as it goes, to change a large table in batches. */
async function commits(sql: string): Promise<boolean> {
  if (!/\b(commit|rollback)\b/i.test(sql)) return false;
  for (const token of (await sqlTokens(sql)) ?? []) {
    const body = token.kind === "string" ? readString(token.raw)?.value : undefined;
    const words = body === undefined ? undefined : await sqlTokens(body);
    if (words === undefined) continue;
    const ends = words.some(
      (word, index) =>
        word.kind === "keyword" &&
        (word.word === "commit" || word.word === "rollback") &&
        [";", "and"].includes(words[index + 1]?.word ?? ""),
    );
    if (ends) return true;
  }
  return false;
}

/**
 * Whether a file adds a value to an enumeration and names it afterwards, which takes two transactions. A type that the
 * file makes itself has no such limit, but nothing is lost where it is taken for one that has.
 */
export function usesAddedValue(statements: readonly SqlStatement[]): boolean {
  const added: string[] = [];
  for (const { type, fields, sql } of statements) {
    if (added.some((value) => sql.includes(value)) && type !== "AlterEnumStmt") return true;
    if (type === "AlterEnumStmt" && fields["oldVal"] === undefined) added.push(`'${textOf(fields["newVal"])}'`);
  }
  return false;
}
