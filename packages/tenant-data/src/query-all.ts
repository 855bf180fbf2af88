import type { ClientBase, QueryResult } from "pg";

/** One statement of several failed. */
export class StatementError extends Error {
  override readonly name = "StatementError";
  readonly statement: string;
  readonly sqlstate: string;
  constructor(statement: string, sqlstate: string, cause: Error) {
    super(`${statement.slice(0, 120)}: ${cause.message}`, { cause });
    this.statement = statement;
    this.sqlstate = sqlstate;
  }
}

/** Runs statements in one round trip, inside the caller's transaction. They take no parameters. */
export async function queryAll(client: ClientBase, statements: readonly string[]): Promise<QueryResult[]> {
  if (statements.length === 0) return [];
  // pg gives an array for several statements and a single result for one, which its types do not say.
  const results: QueryResult | QueryResult[] = await client.query(statements.join(";\n"));
  return Array.isArray(results) ? results : [results];
}

/**
 * The same for statements that may be wrong. PostgreSQL does not say which one of many failed: they are then taken back
 * and run one by one.
 *
 * @throws StatementError of the one that fails
 */
export async function queryAllNaming(client: ClientBase, statements: readonly string[]): Promise<QueryResult[]> {
  await client.query("savepoint aibos_statements");
  try {
    const results = await queryAll(client, statements);
    await client.query("release savepoint aibos_statements");
    return results;
  } catch (error) {
    // Not a matter of the statements: the session ended, was cancelled or waited for too long.
    if (!(error instanceof Error) || !/^(0A|2B|42|22|23|P0)/.test(sqlstateOf(error))) throw error;
    await client.query("rollback to savepoint aibos_statements");
  }
  const results: QueryResult[] = [];
  for (const statement of statements) {
    results.push(
      await client.query(statement).catch((cause: unknown) => {
        throw cause instanceof Error ? new StatementError(statement, sqlstateOf(cause), cause) : cause;
      }),
    );
  }
  return results;
}

function sqlstateOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
