import { type ClientBase, DatabaseError } from "pg";
import { searchPathOf } from "../fingerprint/search-path.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { checkDefinition } from "./check-definition.ts";

/** A definition that PostgreSQL did not take. */
export class DefinitionFailed extends Error {
  readonly sqlState: string;
  constructor(statement: string, cause: DatabaseError) {
    super(`${statement.length > 160 ? `${statement.slice(0, 160)}…` : statement}: ${cause.message}`, { cause });
    this.sqlState = cause.code ?? "";
  }
}

/** SQLSTATEs of a lost connection or a transaction to be repeated, which say nothing about the statement. */
const NOT_THE_STATEMENT = /^(08...|57P0[123]|53...|40001|40P01|55P03)$/;

/** The function that runs a statement; it is there for the time of that. */
const RUNNER = "aibos_run_definition";

export interface DefinitionPlace {
  readonly schema: string;
  readonly owner: string;
}

/**
 * Runs definitions as a schema's owner, inside a function that belongs to that role and has its rights: there PostgreSQL
 * lets nobody change the role, so that no code that a definition brings along can become the session's role again.
 * `mayFail` decides about a failure: true leaves the statement out.
 *
 * @throws DefinitionNotAllowed, DefinitionFailed; the transaction must be rolled back then
 */
export async function runDefinitions(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  statements: readonly string[],
  mayFail: (statement: string) => boolean = () => false,
): Promise<string[]> {
  const leftOut: string[] = [];
  for (const statement of statements) await checkDefinition(statement);
  await asOwner(client, { schema, owner }, async (runner) => {
    for (const statement of statements) {
      const optional = mayFail(statement);
      if (optional) await client.query("savepoint optional_definition");
      try {
        await client.query(`select ${runner}($1)`, [statement]);
      } catch (error) {
        if (!(error instanceof DatabaseError) || NOT_THE_STATEMENT.test(error.code ?? "")) throw error;
        if (!optional) throw new DefinitionFailed(statement, error);
        await client.query("rollback to savepoint optional_definition");
        leftOut.push(statement);
      }
      if (optional) await client.query("release savepoint optional_definition");
    }
  });
  return leftOut;
}

/** Makes the runner, which takes one statement, for the time of some work. */
export async function asOwner<T>(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  work: (runner: string) => Promise<T>,
): Promise<T> {
  const runner = `${quoteIdentifier(schema)}.${RUNNER}`;
  const settings = { role: owner, search_path: await searchPathOf(client, schema) };
  return withSettings(client, settings, async () => {
    await client.query(`create or replace function ${runner}(statement text) returns void language plpgsql
      security definer as $run$ begin execute statement; set constraints all immediate; end $run$`);
    const result = await work(runner);
    await client.query(`drop function ${runner}(text)`);
    return result;
  });
}
