import { parse } from "libpg-query";

/** CREATE INDEX and DROP INDEX up to their word CONCURRENTLY, with what may stand before and between. */
const GAP = String.raw`(?:\s|--[^\n]*\n|/\*[\s\S]*?\*/)`;
const CONCURRENT_INDEX = new RegExp(
  `^(${GAP}*(?:create${GAP}+(?:unique${GAP}+)?|drop${GAP}+)index${GAP}+)(concurrently)(?=${GAP}|")`,
  "i",
);

/**
 * A file's SQL as it can run in a transaction: indexes are made and dropped without CONCURRENTLY, which is there to let
 * others write meanwhile, and nobody does while a release's files run. Blanks take the word's place, so that every
 * position stays what it was.
 */
export async function blockingForm(sql: string): Promise<string> {
  if (!/concurrently/i.test(sql)) return sql;
  const { stmts } = await parse(sql);
  const bytes = Buffer.from(sql, "utf8");
  for (const { stmt, stmt_location: begin = 0, stmt_len: length } of stmts ?? []) {
    if (!isConcurrentIndex(stmt)) continue;
    const end = length === undefined ? bytes.length : begin + length;
    const word = CONCURRENT_INDEX.exec(bytes.subarray(begin, end).toString("utf8"));
    if (word === null) continue;
    const from = begin + Buffer.byteLength(word[1] ?? "");
    bytes.fill(" ", from, from + Buffer.byteLength(word[2] ?? ""));
  }
  return bytes.toString("utf8");
}

/** Tells whether a statement of PostgreSQL's parser makes or drops an index concurrently. */
function isConcurrentIndex(statement: unknown): boolean {
  const nodes = Object.entries((statement ?? {}) as Record<string, { concurrent?: boolean; removeType?: string }>);
  return nodes.some(
    ([kind, body]) =>
      body.concurrent === true && (kind === "IndexStmt" || (kind === "DropStmt" && body.removeType === "OBJECT_INDEX")),
  );
}
