import type { JsonValue, TableChange } from "@aibos/domain";
import type { Migration } from "../migrations/migration.ts";
import type { Operation } from "../operations/operation.ts";
import { splitStatements } from "../sql-migrations/split-statements.ts";
import { type Fields, listOf, nameParts, nodeOf, textOf } from "../statement-risk/syntax-tree.ts";

/**
 * What a migration does that concerns tenants' own columns: tables that it renames and drops, and columns that it brings
 * to tables that may be there. SQL that makes its statements as it runs shows nothing of them here, nor does that of an
 * operation `sql`; where it brings a column of a field's name, it fails.
 *
 * @throws MigrationFileError for what is not SQL
 */
export async function readTableChanges(migration: Migration): Promise<TableChange[]> {
  if (migration.kind === "operations") return migration.file.operations.flatMap(ofOperation);
  const statements = await splitStatements(migration.up.file, migration.up.sql);
  return statements.flatMap(({ type, fields }) => ofStatement(type, fields));
}

function ofOperation(operation: Operation): TableChange[] {
  if (operation.kind === "rename_table") return [{ change: "rename-table", ...operation.with }];
  if (operation.kind === "drop_table") return [{ change: "drop-table", table: operation.with.name }];
  if (operation.kind === "rename_column") {
    return [renamedColumn(operation.with.table, operation.with.from, operation.with.to)];
  }
  if (operation.kind === "alter_column") {
    const { table, column, name } = operation.with;
    return name === undefined || name === column ? [] : [renamedColumn(table, column, name)];
  }
  if (operation.kind !== "add_column") return [];
  const { table, column } = operation.with;
  const as = { type: column.type, nullable: column.nullable };
  return [{ change: "bring-column", table, column: column.name, as }];
}

function renamedColumn(table: string, from: string, to: string): TableChange {
  return { change: "bring-column", table, column: to, as: { renamedFrom: from } };
}

function ofStatement(type: string, fields: Fields): TableChange[] {
  const relation = relationOf(fields["relation"]);
  if (type === "RenameStmt") {
    const [kind, to] = [textOf(fields["renameType"]), textOf(fields["newname"])];
    if (kind === "OBJECT_TABLE") return [{ change: "rename-table", from: relation, to }];
    return kind === "OBJECT_COLUMN" ? [renamedColumn(relation, textOf(fields["subname"]), to)] : [];
  }
  if (type === "DropStmt" && textOf(fields["removeType"]) === "OBJECT_TABLE") {
    return listOf(fields["objects"]).map((object) => ({ change: "drop-table", table: nameParts(object).at(-1) ?? "" }));
  }
  if (type !== "AlterTableStmt") return [];
  return listOf(fields["cmds"]).flatMap((command): TableChange[] => {
    const cmd = nodeOf(command)?.fields ?? {};
    if (textOf(cmd["subtype"]) !== "AT_AddColumn") return [];
    const column = nodeOf(cmd["def"])?.fields ?? {};
    return [{ change: "bring-column", table: relation, column: textOf(column["colname"]), as: columnShown(column) }];
  });
}

/** Without its schema: a module's tables are all in one. */
function relationOf(value: unknown): string {
  return textOf((value as Fields | undefined)?.["relname"]);
}

function columnShown(column: Fields): Readonly<Record<string, JsonValue>> {
  const parts = nameParts((column["typeName"] as Fields | undefined)?.["names"]);
  const notNull = listOf(column["constraints"]).some((one) => {
    const kind = textOf(nodeOf(one)?.fields["contype"]);
    return kind === "CONSTR_NOTNULL" || kind === "CONSTR_PRIMARY";
  });
  return { type: parts.at(-1) ?? "", nullable: !notNull };
}
