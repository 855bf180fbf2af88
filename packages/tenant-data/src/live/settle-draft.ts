import { invalid, type StartContext } from "../operations/start-context.ts";
import { makeColumn } from "./make-column.ts";
import { declareConstraints, declareIndexes } from "./declare-on-table.ts";
import { replacedColumns } from "./draft.ts";
import { lockTablesInOrder } from "./lock-tables-in-order.ts";
import { duplicateConstraints, duplicateIndexes, duplicateReferences } from "./duplicate-dependents.ts";

/**
 * Makes in the schema what the operations so far want of tables that were there: new columns with their constraints not
 * yet checked, nothing that would rewrite or read a table. The rest is noted for after the rows are filled.
 */
export async function settleDraft(context: StartContext): Promise<void> {
  const tables = context.draft.tables.filter((table) => table.facts !== undefined);
  for (const table of tables) {
    const fresh = table.columns.filter((column) => column.spec !== undefined);
    if (fresh.length === 0 && table.constraints.length === 0 && table.indexes.length === 0) continue;
    if (table.facts?.inherited === true && fresh.length > 0) {
      throw invalid(
        context,
        `other tables inherit from "${table.name}", which can't be kept equal row by row. Use an exclusive SQL migration.`,
      );
    }
    if (table.facts?.forcedRowSecurity === true && table.facts.restrictivePolicies && fresh.length > 0) {
      throw invalid(
        context,
        `"${table.name}" forces restrictive row-level security policies on its owner too, so that not every row could be ` +
          "filled. Use an exclusive SQL migration.",
      );
    }
  }
  const changing = tables.filter(
    (table) => table.constraints.length > 0 || table.columns.some((column) => column.spec !== undefined),
  );
  await lockTablesInOrder(
    context.client,
    context.schema,
    changing.map(({ relation }) => relation),
  );
  for (const table of tables) {
    for (const column of table.columns) await makeColumn(context, table, column);
  }
  for (const table of tables) {
    const replaced = replacedColumns(table);
    await duplicateIndexes(context, table, replaced);
    await duplicateConstraints(context, table, replaced);
  }
  for (const table of tables) await duplicateReferences(context, table);
  for (const table of tables) {
    await declareIndexes(context, table);
    await declareConstraints(context, table);
    for (const [from, to] of table.constraintNames) {
      const kept = table.facts?.constraints.some((constraint) => constraint.name === from) === true;
      const columns = table.facts?.constraints.find((constraint) => constraint.name === from)?.columns ?? [];
      if (!kept || columns.some((column) => replacedColumns(table).has(column))) continue;
      // Settled before for SQL of the author's own, it may have been given yet another name since.
      const others = context.draft.renaming.filter(
        (task) => task.do !== "rename-constraint" || task.relation !== table.relation || task.from !== from,
      );
      context.draft.renaming = [...others, { do: "rename-constraint", relation: table.relation, from, to }];
    }
  }
}
