import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { passingName, type DraftTable } from "../live/draft.ts";
import { columnSql, constraintSql } from "./column-sql.ts";
import type { OperationOf } from "./operation.ts";
import { checkColumn } from "./check-column.ts";
import { invalid, isFreeName, relationSql, requireTable, type StartContext } from "./start-context.ts";

/** Makes a table, which only this version and later ones see. */
export async function startCreateTable(context: StartContext, operation: OperationOf<"create_table">): Promise<void> {
  const { draft, client } = context;
  const { name, columns, constraints, comment } = operation;
  if (draft.tables.some((table) => table.name === name)) {
    throw invalid(
      context,
      `there is a table "${name}" already; choose another name, or drop or rename that one first.`,
    );
  }
  for (const column of columns) await checkColumn(context, column);
  const keys = columns.filter((column) => column.pk).map((column) => column.name);
  if (keys.length > 0 && constraints.some((constraint) => constraint.type === "primary_key")) {
    throw invalid(context, `table "${name}" declares its primary key twice, in "columns" and in "constraints".`);
  }
  const relation = (await isFreeName(context, name)) ? name : passingName(draft, name);
  const table: DraftTable = {
    name,
    relation,
    before: undefined,
    facts: undefined,
    columns: columns.map((column) => ({
      name: column.name,
      before: undefined,
      physical: column.name,
      spec: undefined,
      replaces: undefined,
      up: undefined,
    })),
    stages: [],
    constraints: [],
    indexes: [],
    withoutConstraints: new Set(),
    withoutIndexes: new Set(),
    constraintNames: new Map(),
    indexNames: new Map(),
  };
  const target = (other: string): string =>
    other === name ? relationSql(context, table) : relationSql(context, requireTable(context, other));
  const parts = [
    ...columns.map((column) => columnSql(column, { key: column.pk }, target)),
    ...(keys.length === 0 ? [] : [`primary key (${keys.map(quoteIdentifier).join(", ")})`]),
    ...constraints.map((constraint) => {
      const sql = constraintSql(constraint, target);
      if (sql !== undefined) return sql;
      throw invalid(context, `constraint "${constraint.name}" lacks what a ${constraint.type} needs.`);
    }),
  ];
  const sql = relationSql(context, table);
  await client.query(`create table ${sql} (${parts.join(", ")})`);
  if (typeof comment === "string") await client.query(`comment on table ${sql} is ${quoteLiteral(comment)}`);
  for (const column of columns) {
    if (typeof column.comment !== "string") continue;
    await client.query(`comment on column ${sql}.${quoteIdentifier(column.name)} is ${quoteLiteral(column.comment)}`);
  }
  draft.tables.push(table);
  draft.undoing.unshift({ do: "drop-relation", relation });
}
