import { quoteIdentifier } from "../quote-identifier.ts";
import type { OperationOf } from "./operation.ts";
import {
  checkDown,
  factsOf,
  invalid,
  relationSql,
  requireColumn,
  requireTable,
  type StartContext,
} from "./start-context.ts";

/** Takes a column from this version; older ones keep it, with `down` for rows of this one. */
export async function startDropColumn(context: StartContext, operation: OperationOf<"drop_column">): Promise<void> {
  const { down } = operation;
  const table = requireTable(context, operation.table);
  const column = requireColumn(context, table, operation.column);
  if (table.columns.length === 1) {
    throw invalid(context, `"${column.name}" is the last column of "${table.name}"; drop the table instead.`);
  }
  if (down !== undefined) await checkDown(context, table, column.name, down);
  table.columns.splice(table.columns.indexOf(column), 1);
  if (table.facts === undefined) {
    await context.client.query(
      `alter table ${relationSql(context, table)} drop column ${quoteIdentifier(column.physical ?? column.name)}`,
    );
    return;
  }
  const facts = factsOf(table, column.replaces ?? column.physical);
  const fills = facts === undefined || facts.default !== null || facts.identity !== "" || facts.generated !== "";
  if (facts?.notNull === true && !fills && down === undefined) {
    throw invalid(
      context,
      `the older version's column "${column.name}" holds no nulls and has no default: give "down" to say what it gets.`,
    );
  }
  // What the release declared on the column goes with it.
  table.constraints = table.constraints.filter((constraint) => !constraint.columns.includes(column));
  table.indexes = table.indexes.filter((index) => !index.keys.some((key) => key.column === column));
  table.stages.push(new Map([[operation.column, down ?? null]]));
}
