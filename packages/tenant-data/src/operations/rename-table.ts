import type { OperationOf } from "./operation.ts";
import { invalid, requireTable, type StartContext } from "./start-context.ts";

/** Gives a table another name in this version; older ones keep theirs. */
export function startRenameTable(context: StartContext, { from, to }: OperationOf<"rename_table">): void {
  const table = requireTable(context, from);
  if (from === to) return;
  if (context.draft.tables.some((other) => other.name === to)) {
    throw invalid(context, `there is a table "${to}" already; choose another name.`);
  }
  table.name = to;
}
