import { parseExpression } from "../live/expression.ts";
import { isVolatile } from "../statement-risk/volatility.ts";
import { parse } from "libpg-query";
import { DatabaseError } from "pg";
import type { ColumnDefinition } from "./operation.ts";
import { checked, invalid, type StartContext } from "./start-context.ts";

const SERIALS = new Map([
  ["smallserial", "smallint"],
  ["serial2", "smallint"],
  ["serial", "integer"],
  ["serial4", "integer"],
  ["bigserial", "bigint"],
  ["serial8", "bigint"],
]);

/** The integer type of a `serial` one; undefined for other types. */
export function serialType(type: string): string | undefined {
  return SERIALS.get(type.trim().toLowerCase());
}

/** Checks what becomes part of a statement: a type must be one type, a default one expression. */
export async function checkColumn(context: StartContext, column: ColumnDefinition): Promise<void> {
  await checkType(context, column.name, column.type);
  const expressions = [
    ["default", column.default],
    ["check", column.check?.constraint],
    ["generated expression", column.generated?.expression],
  ] as const;
  for (const [what, text] of expressions) {
    if (typeof text !== "string") continue;
    await checkExpression(context, `the ${what} of column "${column.name}"`, text);
    if (what === "default")
      await fits(context, `the default of column "${column.name}" does not fit`, `select (${text}\n)`);
  }
}

export async function checkType(context: StartContext, column: string, type: string): Promise<void> {
  const detail = `the type of column "${column}" is not one`;
  await checked(context, detail, type, () => parseExpression(`null::${type}`));
  const { stmts } = await parse(`select null::${type}`).catch(() => ({ stmts: undefined }));
  const cast = JSON.stringify(stmts?.[0]?.stmt ?? {});
  // `integer + 1` parses as an expression, too.
  if (!cast.includes('"val":{"TypeCast"')) throw invalid(context, `${detail}: ${type}`);
  if (serialType(type) === undefined) await fits(context, detail, `select null::${type}`);
}

export async function checkExpression(context: StartContext, what: string, text: string): Promise<void> {
  await checked(context, what, text, () => parseExpression(text));
}

/** Whether each row would get a value of its own, so that the server would write all rows at once. */
export async function isVolatileDefault(expression: string): Promise<boolean> {
  return isVolatile(await parse(`select (${expression}\n)`)) !== "no";
}

/** Has the server read a statement on no row, so that a mistake is told with its place. */
async function fits(context: StartContext, detail: string, sql: string): Promise<void> {
  await context.client.query(`${sql} where false`).catch((cause: unknown) => {
    if (!(cause instanceof DatabaseError) || !/^(0A|22|42)/.test(cause.code ?? "")) throw cause;
    throw invalid(context, `${detail}: ${cause.message} (SQLSTATE ${cause.code}).`, { cause, sqlState: cause.code });
  });
}
