import { quoteIdentifier } from "../quote-identifier.ts";
import type { OperationOf } from "./operation.ts";
import { replaceColumns } from "./replace-columns.ts";
import { customFieldAt, settleCustomField } from "./settle-custom-field.ts";
import { factsOf, refuseColumn, relationSql, requireColumn, requireTable, type StartContext } from "./start-context.ts";

/** Gives a column another name in this version; older ones keep theirs. */
export async function startRenameColumn(context: StartContext, operation: OperationOf<"rename_column">): Promise<void> {
  const { from, to } = operation;
  const table = requireTable(context, operation.table);
  const column = requireColumn(context, table, from);
  if (from === to) return;
  const choice = context.customFields.get(`${table.name}.${to}`);
  const adopts = choice !== undefined && "adopt" in choice && customFieldAt(context, table, to) !== undefined;
  if (adopts) {
    // What the column holds is the module's; the tenant's own value takes the place of nothing.
    const type = column.spec?.type ?? factsOf(table, column.physical)?.type ?? "text";
    const up = `coalesce(${quoteIdentifier(from)}, (${quoteIdentifier(to)})::${type})`;
    await replaceColumns(context, table, [{ column, up, down: undefined }]);
  }
  await settleCustomField(context, table, to);
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
