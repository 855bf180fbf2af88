import { quoteIdentifier } from "../quote-identifier.ts";
import { constraintOf } from "../live/draft.ts";
import type { OperationOf } from "./operation.ts";
import { invalid, relationSql, requireTable, type StartContext } from "./start-context.ts";

/** Gives a constraint another name, once this version is the only one. */
export async function startRenameConstraint(
  context: StartContext,
  { table: tableName, from, to }: OperationOf<"rename_constraint">,
): Promise<void> {
  const table = requireTable(context, tableName);
  if (table.facts === undefined) {
    await context.client.query(
      `alter table ${relationSql(context, table)} rename constraint ${quoteIdentifier(from)} to ${quoteIdentifier(to)}`,
    );
    return;
  }
  if (constraintOf(table, to) !== undefined || table.constraints.some((one) => one.name === to)) {
    throw invalid(context, `table "${table.name}" has a constraint "${to}" already; choose another name.`);
  }
  const declared = table.constraints.find((one) => one.name === from);
  if (declared !== undefined) {
    declared.name = to;
    return;
  }
  const constraint = constraintOf(table, from);
  if (constraint === undefined) {
    const names = table.facts.constraints.map((one) => one.name).join(", ");
    throw invalid(
      context,
      `table "${table.name}" has no constraint "${from}"; it has ${names === "" ? "none" : names}.`,
    );
  }
  table.constraintNames.set(constraint.name, to);
}
