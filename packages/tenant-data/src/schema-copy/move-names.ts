import { quoteIdentifier } from "../quote-identifier.ts";
import { applyEdits, sqlTokens } from "../sql-migrations/sql-tokens.ts";

/**
 * A definition for another schema. Names in it stand without the schema, but for those that one of the system's own
 * hides, such as a function `uuidv7` since PostgreSQL 18: these name the schema and get the other one's name. Strings,
 * and so the bodies of functions, stay.
 */
export async function moveNames(statement: string, { from, to }: { from: string; to: string }): Promise<string> {
  if (!statement.includes(from)) return statement;
  const tokens = (await sqlTokens(statement)) ?? [];
  const edits = tokens.flatMap(({ kind, word, start, end }, index) =>
    kind === "name" && word === from && tokens[index + 1]?.raw === "." && tokens[index - 1]?.raw !== "."
      ? [{ start, end, by: quoteIdentifier(to) }]
      : [],
  );
  return applyEdits(statement, edits);
}

/** Finds the schema's name in front of another one, in texts too. */
export function namingPattern(schema: string): RegExp {
  const name = schema.replaceAll(/[^\w]/g, "\\$&");
  return new RegExp(`(?<![\\w$])(?:"${name.replaceAll('\\"', '\\"\\"')}"|${name})\\s*\\.`, "u");
}
