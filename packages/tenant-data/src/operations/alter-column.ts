import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import type { DraftColumn, DraftTable } from "../live/draft.ts";
import { checkExpression, checkType } from "./check-column.ts";
import { actionsSql, timingSql } from "./column-sql.ts";
import { addCheck, addReference, addUnique } from "./declare-constraint.ts";
import type { OperationOf } from "./operation.ts";
import { startRenameColumn } from "./rename-column.ts";
import { replaceColumns } from "./replace-columns.ts";
import { invalid, relationSql, requireColumn, requireTable, type StartContext } from "./start-context.ts";

type AlterColumn = OperationOf<"alter_column">;

/** Changes a column: type, nulls, unique, check, reference, default, comment, and, in the format's older form, its name. */
export async function startAlterColumn(context: StartContext, operation: AlterColumn): Promise<void> {
  const table = requireTable(context, operation.table);
  const column = requireColumn(context, table, operation.column);
  const { type, nullable, unique, check, references, default: own, comment } = operation;
  const changes = [type, nullable, unique, check, references, own, comment].filter((change) => change !== undefined);
  if (changes.length === 0 && operation.name === undefined) throw invalid(context, "it changes nothing.");
  if (type !== undefined) await checkType(context, column.name, type);
  if (typeof own === "string") await checkExpression(context, `the default of column "${column.name}"`, own);
  if (table.facts === undefined) await alterNewTable(context, table, column, operation);
  else await alterLiveTable(context, table, column, operation);
  if (operation.name !== undefined) {
    await startRenameColumn(context, { table: table.name, from: column.name, to: operation.name });
  }
}

async function alterLiveTable(
  context: StartContext,
  table: DraftTable,
  column: DraftColumn,
  { type, nullable, unique, check, references, default: own, comment, up, down }: AlterColumn,
): Promise<void> {
  const values = [type, nullable, unique, check, references];
  if (values.some((change) => change !== undefined)) {
    if (nullable === true && down === undefined && column.spec === undefined) {
      throw invalid(
        context,
        `the older version's column "${column.name}" holds no nulls: give "down" to say what it gets where the new one is null.`,
      );
    }
    if (nullable === false && up === undefined && (type === undefined || type === "")) {
      throw invalid(context, `give "up" to say what column "${column.name}" gets where it is null.`);
    }
    await replaceColumns(context, table, [{ column, up, down }]);
    if (column.spec === undefined) throw invalid(context, "the column could not be replaced.");
    if (type !== undefined) {
      column.spec.type = type;
      column.spec.collation = null;
      if (column.up !== undefined && up === undefined) column.up = `(${column.up})::${type}`;
      if (down === undefined) {
        const old = table.facts?.columns.find((facts) => facts.name === column.replaces)?.type;
        if (old !== undefined) table.stages.at(-1)?.set(column.name, `${quoteIdentifier(column.name)}::${old}`);
      }
    }
    if (nullable !== undefined) column.spec.notNull = !nullable;
  } else if (up !== undefined || down !== undefined) {
    await replaceColumns(context, table, [{ column, up, down }]);
  }
  if (check !== undefined) addCheck(table, { ...check, noInherit: check.no_inherit });
  if (unique !== undefined) addUnique(table, unique.name, [column]);
  if (references !== undefined) addReference(context, table, column, references);
  if (own !== undefined) {
    if (column.spec === undefined) column.default = own;
    else column.spec.default = own;
  }
  if (comment !== undefined) {
    if (column.spec !== undefined) column.spec.comment = comment;
    else if (column.physical !== undefined) {
      context.draft.completing.push({
        do: "comment-column",
        relation: table.relation,
        column: column.physical,
        comment,
      });
    }
  }
}

async function alterNewTable(
  context: StartContext,
  table: DraftTable,
  column: DraftColumn,
  { type, nullable, unique, check, references, default: own, comment, up }: AlterColumn,
): Promise<void> {
  const name = quoteIdentifier(column.physical ?? column.name);
  const parts: string[] = [];
  if (type !== undefined) parts.push(`alter column ${name} type ${type} using (${up ?? `${name}::${type}`})`);
  if (nullable !== undefined) parts.push(`alter column ${name} ${nullable ? "drop" : "set"} not null`);
  if (own !== undefined) {
    parts.push(own === null ? `alter column ${name} drop default` : `alter column ${name} set default ${own}`);
  }
  if (unique !== undefined) parts.push(`add constraint ${quoteIdentifier(unique.name)} unique (${name})`);
  if (check !== undefined) {
    parts.push(
      `add constraint ${quoteIdentifier(check.name)} check (${check.constraint})${check.no_inherit === true ? " no inherit" : ""}`,
    );
  }
  if (references !== undefined) {
    const target = requireTable(context, references.table);
    const other = references.column === undefined ? "" : ` (${quoteIdentifier(references.column)})`;
    parts.push(
      `add constraint ${quoteIdentifier(references.name)} foreign key (${name}) references ${relationSql(context, target)}${other}` +
        `${actionsSql(references)}${timingSql(references)}`,
    );
  }
  const sql = relationSql(context, table);
  if (parts.length > 0) await context.client.query(`alter table ${sql} ${parts.join(", ")}`);
  if (comment !== undefined) {
    const text = comment === null ? "null" : quoteLiteral(comment);
    await context.client.query(`comment on column ${sql}.${name} is ${text}`);
  }
}
