import { parse } from "libpg-query";
import { nodeOf, type Fields } from "../statement-risk/syntax-tree.ts";
import { lineAt } from "./line-at.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { sqlTokens } from "./sql-tokens.ts";

/** One statement of a file, with PostgreSQL's own reading of it. */
export interface SqlStatement {
  readonly sql: string;
  /** Where `sql` begins in the file: its line, from 1. */
  readonly firstLine: number;
  /** Line of its first word. */
  readonly line: number;
  readonly type: string;
  readonly fields: Fields;
  /** The rows below a COPY … FROM STDIN, as pg_dump writes them. */
  readonly rows?: string;
}

/** Commands of psql that pg_dump and people put into files and that change nothing. */
const EMPTY_COMMANDS = new Set([
  "restrict",
  "unrestrict",
  "echo",
  "qecho",
  "set",
  "unset",
  "pset",
  "timing",
  "encoding",
]);
const COPY_END = /^\\\.[ \t]*\r?$/m;

/**
 * Cuts a file into statements. Besides SQL it takes what psql would: the rows below a COPY … FROM STDIN, and commands
 * with a backslash that change nothing.
 *
 * @throws MigrationFileError with file and line
 */
export async function splitStatements(file: string, sql: string): Promise<SqlStatement[]> {
  const statements: SqlStatement[] = [];
  let begin = 0;
  for (const special of specialPlaces(sql)) {
    if (special.at < begin) continue;
    const text = sql.slice(begin, special.at);
    if (special.kind === "command") {
      const tokens = await sqlTokens(text);
      // In a string, a comment or a statement it is something else.
      if (tokens === undefined || (tokens.length > 0 && tokens.at(-1)?.raw !== ";")) continue;
      if (!EMPTY_COMMANDS.has(special.name)) {
        throw new MigrationFileError(
          file,
          `"\\${special.name}" is a command of psql, not SQL`,
          lineOf(sql, special.at),
        );
      }
      statements.push(...(await parseStatements(file, sql, begin, special.at)));
      begin = special.end;
      continue;
    }
    if (!(await endsWithCopy(text))) continue;
    const parsed = await parseStatements(file, sql, begin, special.at);
    const copy = parsed.at(-1);
    const rest = sql.slice(special.end);
    const end = COPY_END.exec(rest);
    if (copy === undefined || end === null) {
      throw new MigrationFileError(file, 'the rows of a COPY must end with a line "\\."', lineOf(sql, special.at));
    }
    statements.push(...parsed.slice(0, -1), { ...copy, rows: rest.slice(0, end.index) });
    begin = special.end + end.index + end[0].length;
  }
  statements.push(...(await parseStatements(file, sql, begin, sql.length)));
  return statements;
}

type Special =
  | { readonly kind: "command"; readonly name: string; readonly at: number; readonly end: number }
  | { readonly kind: "copy"; readonly at: number; readonly end: number };

/** Where something that is not SQL might begin; whether it does is for the scanner and the parser to say. */
function specialPlaces(sql: string): Special[] {
  const commands = [...sql.matchAll(/^\\([a-z!?]+)[^\n]*(?:\n|$)/gim)].map((match): Special => {
    const end = match.index + match[0].length;
    return { kind: "command", name: (match[1] ?? "").toLowerCase(), at: match.index, end };
  });
  const copies = [...sql.matchAll(/\bstdin\b(?:[^;']|'[^']*')*;[ \t]*\r?\n/gi)].map((match): Special => {
    const end = match.index + match[0].length;
    return { kind: "copy", at: match.index + match[0].lastIndexOf(";") + 1, end };
  });
  return [...commands, ...copies].sort((a, b) => a.at - b.at);
}

async function endsWithCopy(text: string): Promise<boolean> {
  const tree = await parse(text).catch(() => undefined);
  const last = nodeOf(tree?.stmts?.at(-1)?.stmt);
  return (
    last?.type === "CopyStmt" &&
    last.fields["is_from"] === true &&
    last.fields["filename"] === undefined &&
    last.fields["is_program"] !== true
  );
}

async function parseStatements(file: string, sql: string, from: number, to: number): Promise<SqlStatement[]> {
  const text = sql.slice(from, to);
  if (text.trim() === "") return [];
  const linesBefore = newlines(sql.slice(0, from));
  const { stmts } = await parse(text).catch((error: unknown) => {
    const details = error as { message?: string; sqlDetails?: { cursorPosition?: number } };
    const line = linesBefore + lineAt(text, details.sqlDetails?.cursorPosition ?? 0, "characters");
    throw new MigrationFileError(file, details.message ?? String(error), line);
  });
  const bytes = Buffer.from(text, "utf8");
  const statements: SqlStatement[] = [];
  let counted = 0;
  let lines = linesBefore;
  for (const { stmt, stmt_location: begin = 0, stmt_len: length } of stmts ?? []) {
    const node = nodeOf(stmt);
    if (node === undefined) continue;
    lines += newlines(bytes.subarray(counted, begin).toString("utf8"));
    counted = begin;
    const statement = bytes.subarray(begin, length === undefined ? undefined : begin + length).toString("utf8");
    const line = lines + lineAt(statement, 0, "bytes");
    statements.push({ sql: statement, firstLine: lines + 1, line, type: node.type, fields: node.fields });
  }
  return statements;
}

function lineOf(sql: string, position: number): number {
  return newlines(sql.slice(0, position)) + 1;
}

function newlines(text: string): number {
  return text.split("\n").length - 1;
}
