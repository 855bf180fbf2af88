import type { ClientBase, QueryResult } from "pg";

const SEPARATOR = ";\n";

/** One statement of several failed. */
export class StatementError extends Error {
  override readonly name = "StatementError";
  readonly statement: string | undefined;
  readonly sqlstate: string;
  constructor(statement: string | undefined, sqlstate: string, cause: Error) {
    super(`${statement === undefined ? "" : `${statement.slice(0, 120)}: `}${cause.message}`, { cause });
    this.statement = statement;
    this.sqlstate = sqlstate;
  }
}

/** Runs statements in one round trip, inside the caller's transaction. They take no parameters. */
export async function queryAll(client: ClientBase, statements: readonly string[]): Promise<QueryResult[]> {
  if (statements.length === 0) return [];
  // pg gives an array for several statements and a single result for one, which its types do not say.
  const results: QueryResult | QueryResult[] = await client.query(statements.join(SEPARATOR));
  return Array.isArray(results) ? results : [results];
}

/**
 * The same for statements that may be wrong. No savepoint is used, which would make definitions a third slower: after an
 * error the caller must roll back.
 *
 * @throws StatementError of the one that fails, as far as PostgreSQL says which one it is
 */
export async function queryAllNaming(client: ClientBase, statements: readonly string[]): Promise<QueryResult[]> {
  return queryAll(client, statements).catch((error: unknown) => {
    // Else not a matter of the statements: the session ended, was cancelled or waited for too long.
    if (!(error instanceof Error) || !/^(0A|2B|42|22|23|P0)/.test(sqlstateOf(error))) throw error;
    throw new StatementError(statementAt(statements, positionOf(error)), sqlstateOf(error), error);
  });
}

/** The statement that holds a character of all of them together, counted from 1. */
function statementAt(statements: readonly string[], position: number | undefined): string | undefined {
  let end = 0;
  return statements.find((statement) => {
    end += statement.length + SEPARATOR.length;
    return position !== undefined && position <= end;
  });
}

function positionOf(error: Error): number | undefined {
  return "position" in error && typeof error.position === "string" ? Number(error.position) : undefined;
}

function sqlstateOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
