import { columnsByName, type DraftColumn, type DraftTable } from "../live/draft.ts";
import { actionsSql, timingSql } from "./column-sql.ts";
import type { ColumnDefinition } from "./operation.ts";
import { invalid, requireTable, type StartContext } from "./start-context.ts";

export function addCheck(
  table: DraftTable,
  { name, constraint, noInherit }: { name: string; constraint: string; noInherit: boolean | undefined },
): void {
  table.constraints.push({
    name,
    type: "check",
    columns: [],
    condition: constraint,
    named: columnsByName(table),
    noInherit: noInherit === true,
    timing: "",
  });
}

export function addUnique(table: DraftTable, name: string, columns: DraftColumn[]): void {
  table.constraints.push({ name, type: "unique", columns, timing: "" });
}

export function addReference(
  context: StartContext,
  table: DraftTable,
  column: DraftColumn,
  reference: NonNullable<ColumnDefinition["references"]>,
): void {
  const target = requireTable(context, reference.table);
  const other = reference.column ?? keyOf(target);
  if (other === undefined || !target.columns.some((one) => one.name === other)) {
    throw invalid(context, `table "${target.name}" has no column "${other ?? "that is its key"}" to refer to.`);
  }
  table.constraints.push({
    name: reference.name,
    type: "foreign_key",
    columns: [column],
    timing: timingSql(reference),
    foreign: { table: target.name, columns: [other], actions: actionsSql(reference), setColumns: [] },
  });
}

function keyOf(table: DraftTable): string | undefined {
  const key = table.facts?.constraints.find((constraint) => constraint.type === "p")?.columns;
  if (key?.length !== 1) return undefined;
  return table.columns.find((column) => column.physical === key[0] || column.replaces === key[0])?.name;
}
