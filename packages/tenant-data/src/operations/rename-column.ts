import { quoteIdentifier } from "../quote-identifier.ts";
import type { OperationOf } from "./operation.ts";
import { refuseColumn, relationSql, requireColumn, requireTable, type StartContext } from "./start-context.ts";

/** Gives a column another name in this version; older ones keep theirs. */
export async function startRenameColumn(context: StartContext, operation: OperationOf<"rename_column">): Promise<void> {
  const { from, to } = operation;
  const table = requireTable(context, operation.table);
  const column = requireColumn(context, table, from);
  if (from === to) return;
  refuseColumn(context, table, to);
  column.name = to;
  if (table.facts === undefined) {
    await context.client.query(
      `alter table ${relationSql(context, table)} rename column ${quoteIdentifier(from)} to ${quoteIdentifier(to)}`,
    );
    column.physical = to;
    return;
  }
  table.stages.push(new Map([[from, quoteIdentifier(to)]]));
}
