import { quoteIdentifier } from "../quote-identifier.ts";
import { constraintOf } from "../live/draft.ts";
import type { OperationOf } from "./operation.ts";
import { replaceColumns } from "./replace-columns.ts";
import { invalid, relationSql, requireTable, type StartContext } from "./start-context.ts";

/**
 * Takes a constraint from this version. Its columns become the version's own; `down` says what the older versions get,
 * for which the constraint still holds.
 */
export async function startDropMultiColumnConstraint(
  context: StartContext,
  { table: tableName, name, up, down }: OperationOf<"drop_multi_column_constraint">,
): Promise<void> {
  const table = requireTable(context, tableName);
  if (table.facts === undefined) {
    await context.client.query(`alter table ${relationSql(context, table)} drop constraint ${quoteIdentifier(name)}`);
    return;
  }
  const declared = table.constraints.findIndex((constraint) => constraint.name === name);
  if (declared >= 0) {
    table.constraints.splice(declared, 1);
    return;
  }
  const constraint = constraintOf(table, name);
  if (constraint === undefined) {
    const names = table.facts.constraints.map((one) => one.name).join(", ");
    throw invalid(
      context,
      `table "${table.name}" has no constraint "${name}"; it has ${names === "" ? "none" : names}.`,
    );
  }
  const columns = constraint.columns.map((physical) => {
    const column = table.columns.find((one) => one.physical === physical || one.replaces === physical);
    if (column === undefined) throw invalid(context, `constraint "${name}" is on a column that the release drops.`);
    return column;
  });
  for (const column of [...Object.keys(up), ...Object.keys(down)]) {
    if (!columns.some((one) => one.name === column)) {
      const names = columns.map((one) => one.name).join(", ");
      throw invalid(context, `"up" and "down" are for the constraint's columns, and "${column}" is none of ${names}.`);
    }
  }
  await replaceColumns(
    context,
    table,
    columns.map((column) => ({ column, up: up[column.name], down: down[column.name] })),
  );
  table.withoutConstraints.add(constraint.name);
}

/** The same for a constraint of one column. */
export async function startDropConstraint(
  context: StartContext,
  { table: tableName, name, up, down }: OperationOf<"drop_constraint">,
): Promise<void> {
  const table = requireTable(context, tableName);
  const constraint = constraintOf(table, name);
  const physical = constraint?.columns ?? [];
  if (physical.length > 1) {
    throw invalid(context, `constraint "${name}" has ${physical.length} columns; use "drop_multi_column_constraint".`);
  }
  const column = table.columns.find((one) => one.physical === physical[0] || one.replaces === physical[0])?.name;
  const only = (expression: string | undefined): Record<string, string> =>
    column === undefined || expression === undefined ? {} : { [column]: expression };
  await startDropMultiColumnConstraint(context, { table: tableName, name, up: only(up), down: only(down) });
}
