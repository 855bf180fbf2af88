import { type ClientBase, DatabaseError } from "pg";
import { searchPathOf } from "../fingerprint/search-path.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { moveNames } from "../schema-copy/move-names.ts";
import { withSettings } from "../with-settings.ts";
import { checkDefinition } from "./check-definition.ts";

/** A definition that PostgreSQL did not take. */
export class DefinitionFailed extends Error {
  constructor(statement: string | undefined, cause: DatabaseError) {
    const text = statement === undefined ? "a definition" : statement.slice(0, 160);
    super(`${text}: ${cause.message}`, { cause });
  }
}

/** SQLSTATEs of a lost connection or a transaction to be repeated, which say nothing about the statement. */
const NOT_THE_STATEMENT = /^(08...|57P0[123]|53...|40001|40P01|55P03)$/;

/** The function that runs statements; it is there for the time of that. */
const RUNNER = "aibos_run_definition";

export interface DefinitionPlace {
  readonly schema: string;
  readonly owner: string;
}

/**
 * Runs definitions of the schema `from` as another schema's owner, inside a function that belongs to that role and has its rights: there PostgreSQL
 * lets nobody change the role, so that no code that a definition brings along can become the session's role again.
 * Statements that `mayFail` picks come last, and are left out when they fail.
 *
 * @throws DefinitionNotAllowed, DefinitionFailed; the transaction must be rolled back then
 */
export async function runDefinitions(
  client: ClientBase,
  { schema, owner, from }: DefinitionPlace & { readonly from: string },
  definitions: readonly string[],
  mayFail: (statement: string) => boolean = () => false,
): Promise<string[]> {
  const leftOut: string[] = [];
  const statements: string[] = [];
  for (const definition of definitions) {
    const statement = await moveNames(definition, { from, to: schema });
    await checkDefinition(statement);
    statements.push(statement);
  }
  const run = (runner: string, some: readonly string[]): Promise<unknown> =>
    client.query(`select ${runner}($1)`, [some]).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || NOT_THE_STATEMENT.test(error.code ?? "")) throw error;
      throw new DefinitionFailed(failedOf(some, error), error);
    });
  await asOwner(client, { schema, owner }, async (runner) => {
    await run(
      runner,
      statements.filter((statement) => !mayFail(statement)),
    );
    for (const statement of statements.filter(mayFail)) {
      await client.query("savepoint optional_definition");
      try {
        await run(runner, [statement]);
      } catch (error) {
        if (!(error instanceof DefinitionFailed)) throw error;
        await client.query("rollback to savepoint optional_definition");
        leftOut.push(statement);
      }
      await client.query("release savepoint optional_definition");
    }
  });
  return leftOut;
}

/** Which one of several failed, as far as PostgreSQL says that. */
function failedOf(statements: readonly string[], { internalQuery, where }: DatabaseError): string | undefined {
  if (statements.length === 1) return statements[0];
  return statements.find((statement) => statement === internalQuery || where?.includes(statement) === true);
}

/** Makes the runner, which takes statements, for the time of some work. */
export async function asOwner<T>(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  work: (runner: string) => Promise<T>,
): Promise<T> {
  const runner = `${quoteIdentifier(schema)}.${RUNNER}`;
  const settings = { role: owner, search_path: await searchPathOf(client, schema) };
  return withSettings(client, settings, async () => {
    await client.query(`create or replace function ${runner}(statements text[]) returns void language plpgsql
      security definer as $run$
      declare statement text;
      begin
        foreach statement in array statements loop execute statement; end loop;
        set constraints all immediate;
      end $run$`);
    const result = await work(runner);
    await client.query(`drop function ${runner}(text[])`);
    return result;
  });
}
