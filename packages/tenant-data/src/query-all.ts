import type { ClientBase, QueryResult } from "pg";
import { quoteLiteral } from "./quote-identifier.ts";

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

/**
 * Runs statements in one round trip under other settings of the session, in the caller's transaction, and puts the old
 * ones back. With some thousand short statements the way to the server and back is most of the time.
 */
export async function queryAllUnder(
  client: ClientBase,
  settings: Readonly<Record<string, string>>,
  statements: readonly string[],
  run: typeof queryAll = queryAll,
): Promise<QueryResult[]> {
  const { set, reset } = settingsAround(settings);
  const results = await run(client, [...set, ...statements, ...reset]);
  return results.slice(set.length, set.length + statements.length);
}

/** Statements that make settings, and those that put back what was set before; not to be nested for the same setting. */
export function settingsAround(settings: Readonly<Record<string, string>>): { set: string[]; reset: string[] } {
  const names = Object.entries(settings).map(([name, value]) => ({
    name: quoteLiteral(name),
    kept: quoteLiteral(`aibos.kept_${name}`),
    value: quoteLiteral(value),
  }));
  const call = (calls: readonly string[]): string =>
    `select ${calls.map((one) => `set_config(${one}, true)`).join(", ")}`;
  return {
    set: [
      call(names.map(({ name, kept }) => `${kept}, current_setting(${name})`)),
      call(names.map(({ name, value }) => `${name}, ${value}`)),
    ],
    // After an error the transaction is aborted and takes the settings with it.
    reset: [call(names.map(({ name, kept }) => `${name}, current_setting(${kept})`))],
  };
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
