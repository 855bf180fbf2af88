import { listOf, nodeOf } from "../statement-risk/syntax-tree.ts";
import type { SqlStatement } from "./split-statements.ts";
import { applyEdits, sqlTokens } from "./sql-tokens.ts";

/**
 * A statement without CONCURRENTLY, which is there to let others write meanwhile: nobody does while a release's files
 * run. So it can share a transaction with the ledger, never leaves an index behind that is not valid, and does not
 * wait for other tenants' transactions, which the concurrent form would.
 */
export async function blockingForm({
  sql,
  type,
  fields,
}: Pick<SqlStatement, "sql" | "type" | "fields">): Promise<string> {
  if (!isConcurrent(type, fields)) return sql;
  const tokens = (await sqlTokens(sql)) ?? [];
  const index = tokens.findIndex((token) => token.kind === "keyword" && token.word === "concurrently");
  const word = tokens[index];
  // `reindex (concurrently, verbose)`: the parentheses may not be left empty.
  if (word === undefined || tokens[index - 1]?.raw === "(" || tokens[index - 1]?.raw === ",") return sql;
  return applyEdits(sql, [{ start: word.start, end: word.end, by: " ".repeat(word.end - word.start) }]);
}

function isConcurrent(type: string, fields: SqlStatement["fields"]): boolean {
  switch (type) {
    case "IndexStmt":
    case "DropStmt":
      return fields["concurrent"] === true;
    case "ReindexStmt":
      return ["REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE"].includes(String(fields["kind"]));
    case "AlterTableStmt":
      return listOf(fields["cmds"]).some(
        (command) => nodeOf(nodeOf(command)?.fields["def"])?.fields["concurrent"] === true,
      );
    default:
      return false;
  }
}
