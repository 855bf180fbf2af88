import type { OperationOf } from "./operation.ts";
import { relationSql, requireTable, type StartContext } from "./start-context.ts";

/** Takes a table from this version; it stays for older ones until they go. */
export async function startDropTable(context: StartContext, { name }: OperationOf<"drop_table">): Promise<void> {
  const table = requireTable(context, name);
  context.draft.tables.splice(context.draft.tables.indexOf(table), 1);
  if (table.facts === undefined) {
    await context.client.query(`drop table ${relationSql(context, table)}`);
    return;
  }
  context.draft.without.push(table);
}
