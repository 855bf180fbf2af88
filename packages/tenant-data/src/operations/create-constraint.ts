import { columnsByName, constraintOf, type DraftTable } from "../live/draft.ts";
import { checkExpression } from "./check-column.ts";
import { actionsSql, constraintSql, timingSql } from "./column-sql.ts";
import type { OperationOf } from "./operation.ts";
import { replaceColumns } from "./replace-columns.ts";
import { invalid, relationSql, requireColumn, requireTable, type StartContext } from "./start-context.ts";

type CreateConstraint = OperationOf<"create_constraint">;

/** Adds a constraint over one or more columns, which this version gets as its own, converted by `up` and `down`. */
export async function startCreateConstraint(context: StartContext, operation: CreateConstraint): Promise<void> {
  const { name, type, check, references, up, down } = operation;
  const table = requireTable(context, operation.table);
  const names = operation.columns ?? Object.keys(up);
  if (type === "check" ? check === undefined : names.length === 0) {
    throw invalid(context, `constraint "${name}" needs ${type === "check" ? '"check"' : '"columns"'}.`);
  }
  if (type === "foreign_key" && references === undefined)
    throw invalid(context, `constraint "${name}" needs "references".`);
  if (check !== undefined) await checkExpression(context, `the check of constraint "${name}"`, check);
  if (constraintOf(table, name) !== undefined || table.constraints.some((constraint) => constraint.name === name)) {
    throw invalid(context, `table "${table.name}" has a constraint "${name}" already; choose another name.`);
  }
  for (const column of [...Object.keys(up), ...Object.keys(down)]) {
    if (!names.includes(column)) {
      throw invalid(
        context,
        `"up" and "down" are for the constraint's columns, and "${column}" is none of ${names.join(", ")}.`,
      );
    }
  }
  if (table.facts === undefined) return addToNewTable(context, table, operation);
  if (
    type === "primary_key" &&
    table.facts.constraints.some((one) => one.type === "p" && !table.withoutConstraints.has(one.name))
  ) {
    throw invalid(context, `table "${table.name}" has a primary key; drop it by "drop_multi_column_constraint" first.`);
  }
  const columns = names.map((column) => requireColumn(context, table, column));
  await replaceColumns(
    context,
    table,
    columns.map((column) => ({ column, up: up[column.name], down: down[column.name] })),
  );
  if (type === "primary_key") {
    for (const { spec } of columns) if (spec !== undefined) spec.notNull = true;
  }
  table.constraints.push({
    name,
    type,
    columns,
    ...(check === undefined ? {} : { condition: check, named: columnsByName(table) }),
    noInherit: operation.no_inherit === true,
    nullsNotDistinct: operation.nulls_not_distinct === true,
    include: (operation.index_parameters?.include_columns ?? []).map((column) => requireColumn(context, table, column)),
    storage: operation.index_parameters?.storage_parameters,
    timing: timingSql(operation),
    ...(references === undefined
      ? {}
      : {
          foreign: {
            table: requireTable(context, references.table).name,
            columns: references.columns,
            actions: actionsSql({ ...references, on_delete_set_columns: undefined }),
            setColumns: (references.on_delete_set_columns ?? []).map((column) => requireColumn(context, table, column)),
          },
        }),
  });
}

async function addToNewTable(context: StartContext, table: DraftTable, operation: CreateConstraint): Promise<void> {
  const { up: _up, down: _down, table: _table, ...constraint } = operation;
  const sql = constraintSql({ ...constraint, columns: constraint.columns ?? Object.keys(operation.up) }, (other) =>
    relationSql(context, requireTable(context, other)),
  );
  if (sql === undefined) throw invalid(context, `constraint "${operation.name}" lacks what a ${operation.type} needs.`);
  await context.client.query(`alter table ${relationSql(context, table)} add ${sql}`);
}
