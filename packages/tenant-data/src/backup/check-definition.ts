import { parse } from "libpg-query";
import { sqlTokens, type SqlToken } from "../sql-migrations/sql-tokens.ts";
import { nodeOf } from "../statement-risk/syntax-tree.ts";

/** A statement that no definition of a schema is. */
export class DefinitionNotAllowed extends Error {
  constructor(statement: string, reason: string) {
    super(`${statement.length > 160 ? `${statement.slice(0, 160)}…` : statement}: ${reason}`);
  }
}

/**
 * How statements that describe a schema begin; everything else is refused: a list of what is bad would be short of one.
 * After the first group comes what is made or changed, which must be in the schema that is the search path.
 */
const IN_THE_SCHEMA = new RegExp(
  "^(create (or replace )?((unlogged )?table|(unlogged )?sequence|(recursive )?view|materialized view|type|domain|" +
    "function|procedure|aggregate|statistics|collation|text search (dictionary|configuration)|operator)|alter (table( only)?|sequence|view|materialized view|index|domain|type|" +
    "function|procedure|statistics|text search configuration)) $",
);
/** Those that are about something that only its owner can name. */
const ABOUT_OWN =
  /^(create (unique )?index|create (or replace )?(constraint )?(trigger|policy|rule)|create cast|comment on|grant|revoke) /;

/** Definitions with a semicolon inside, which only the grammar can tell from two statements. */
const SEVERAL_PARTS: ReadonlySet<string> = new Set(["CreateFunctionStmt", "RuleStmt"]);

/**
 * Sees that a text is one statement that defines something in the schema that is the search path. It is cut into tokens
 * only, where that is enough: PostgreSQL's parser in this process needs hundreds of megabytes once it is used often.
 *
 * @throws DefinitionNotAllowed
 */
export async function checkDefinition(statement: string): Promise<void> {
  const tokens = await sqlTokens(statement);
  if (tokens === undefined || tokens.length === 0) throw new DefinitionNotAllowed(statement, "it is not SQL");
  if (tokens.some(({ raw }) => raw === ";") && !(await isOneStatement(statement))) {
    throw new DefinitionNotAllowed(statement, "it is more than one statement");
  }
  if (!defines(tokens)) throw new DefinitionNotAllowed(statement, "it defines nothing in the schema");
}

function defines(tokens: readonly SqlToken[]): boolean {
  // Words and the first sign, which ends them; names in quotes are no keywords, whatever they say.
  const words = tokens.slice(0, 6).map(({ raw, kind }) => (kind === "keyword" ? raw.toLowerCase() : "?"));
  for (let length = 2; length < words.length; length += 1) {
    if (!IN_THE_SCHEMA.test(`${words.slice(0, length).join(" ")} `)) continue;
    // "alter table only": the longer reading is the right one.
    if (words[length] === "only") continue;
    return tokens[length + 1]?.raw !== ".";
  }
  const head = `${words.join(" ")} `;
  if (!ABOUT_OWN.test(head)) return false;
  // Without "on" it would hand out a role.
  return (
    !/^(grant|revoke) /.test(head) || tokens.some(({ raw, kind }) => kind === "keyword" && raw.toLowerCase() === "on")
  );
}

async function isOneStatement(text: string): Promise<boolean> {
  const { stmts } = await parse(text).catch(() => ({ stmts: [] }));
  return stmts?.length === 1 && SEVERAL_PARTS.has(nodeOf(stmts[0]?.stmt)?.type ?? "");
}
