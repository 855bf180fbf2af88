import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { ColumnFacts } from "../live/relation-facts.ts";
import { type Draft, type DraftColumn, type DraftTable, upOf } from "../live/draft.ts";
import { composeExpression, ExpressionSyntaxError } from "../live/expression.ts";
import { OperationInvalidError } from "./operation-invalid-error.ts";

/** What starting an operation needs. */
export interface StartContext {
  readonly client: ClientBase;
  /** The schema with the tables. */
  readonly schema: string;
  readonly draft: Draft;
  /** File and operation, for messages. */
  readonly where: string;
  /** What to do when a release brings a column that the tenant has as a field of its own, by `table.column`. */
  readonly customFields: CustomFieldChoices;
  /** Names of custom fields by table in the schema. */
  readonly customFieldsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

/** `adopt` gives the release's column the values of the tenant's field; `rename` keeps the field under another name. */
export type CustomFieldChoices = ReadonlyMap<string, { readonly adopt: true } | { readonly rename: string }>;

export function invalid(
  context: StartContext,
  detail: string,
  options?: ErrorOptions & { sqlState?: string | undefined },
): OperationInvalidError {
  return new OperationInvalidError(context.where, detail, options);
}

/** @throws OperationInvalidError when the version has no such table */
export function requireTable(context: StartContext, name: string): DraftTable {
  const table = context.draft.tables.find((one) => one.name === name);
  if (table !== undefined) return table;
  const names = context.draft.tables.map((one) => one.name);
  throw invalid(context, `there is no table "${name}"; there are ${names.length === 0 ? "none" : names.join(", ")}.`);
}

/** @throws OperationInvalidError when the table has no such column */
export function requireColumn(context: StartContext, table: DraftTable, name: string): DraftColumn {
  const column = table.columns.find((one) => one.name === name);
  if (column !== undefined) return column;
  const names = table.columns.map((one) => one.name).join(", ");
  throw invalid(context, `table "${table.name}" has no column "${name}"; it has ${names}.`);
}

export function refuseColumn(context: StartContext, table: DraftTable, name: string): void {
  if (!table.columns.some((one) => one.name === name)) return;
  throw invalid(context, `table "${table.name}" has a column "${name}" already; choose another name.`);
}

/** An expression over the table's names as they are now, brought to the older version's names. */
export async function composeUp(
  context: StartContext,
  table: DraftTable,
  column: string,
  expression: string,
): Promise<string> {
  const columns = new Map(table.columns.map((one) => [one.name, one]));
  return checked(context, `the "up" of column "${column}"`, expression, () =>
    composeExpression(expression, table.name, (name) => {
      const source = columns.get(name);
      return source === undefined ? undefined : upOf(source);
    }),
  );
}

/** Reads an expression so that a mistake in it is told with its place. */
export async function checked<T>(
  context: StartContext,
  what: string,
  expression: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    throw invalid(context, `${what} is not an SQL expression: ${error.message}. It is: ${expression}`, {
      cause: error,
    });
  }
}

/** Reads a `down` for its syntax; what its names mean is known when all operations are. */
export async function checkDown(
  context: StartContext,
  table: DraftTable,
  column: string,
  expression: string,
): Promise<void> {
  await checked(context, `the "down" of column "${column}"`, expression, () =>
    composeExpression(expression, table.name, () => undefined),
  );
}

/** The name of a table in SQL. */
export function relationSql({ schema }: StartContext, { relation }: { relation: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
}

export function factsOf(table: DraftTable, physical: string | undefined): ColumnFacts | undefined {
  return table.facts?.columns.find((column) => column.name === physical);
}

/** Whether no table, index, sequence, view or type of the schema is called so, and PostgreSQL can hold the name. */
export async function isFreeName({ client, schema }: StartContext, name: string): Promise<boolean> {
  if (Buffer.byteLength(name, "utf8") > 63) return false;
  const { rows } = await client.query<{ taken: boolean }>(
    `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2)
       or exists (select from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname = $1 and t.typname = $2)
       as taken`,
    [schema, name],
  );
  return rows[0]?.taken === false;
}
