import { quoteIdentifier } from "../quote-identifier.ts";
import { columnsByName, type DraftTable } from "../live/draft.ts";
import { checkExpression } from "./check-column.ts";
import type { OperationOf } from "./operation.ts";
import { invalid, relationSql, requireColumn, requireTable, type StartContext } from "./start-context.ts";

/** Makes an index, without keeping writers out. */
export async function startCreateIndex(context: StartContext, operation: OperationOf<"create_index">): Promise<void> {
  const table = requireTable(context, operation.table);
  const { name, unique, method = "btree", predicate, storage_parameters: storage } = operation;
  if (predicate !== undefined) await checkExpression(context, `the predicate of index "${name}"`, predicate);
  const keys = operation.columns.map(({ name: column, options }) => ({
    column: requireColumn(context, table, column),
    options: [
      options.collate === undefined ? "" : ` collate ${quoteIdentifier(options.collate)}`,
      options.opclass === undefined ? "" : ` ${opclassSql(options.opclass)}`,
      options.sort === undefined ? "" : ` ${options.sort.toLowerCase()}`,
      options.nulls === undefined ? "" : ` nulls ${options.nulls.toLowerCase()}`,
    ].join(""),
  }));
  if (await isTaken(context, table, name)) {
    throw invalid(
      context,
      `there is an index or table "${name}" already; choose another name, or drop that one first.`,
    );
  }
  if (table.facts === undefined) {
    const columns = keys.map(({ column, options }) => `${quoteIdentifier(column.physical ?? column.name)}${options}`);
    await context.client.query(
      `create ${unique ? "unique " : ""}index ${quoteIdentifier(name)} on ${relationSql(context, table)} using ${method} ` +
        `(${columns.join(", ")})${storage === undefined ? "" : ` with (${storage})`}` +
        (predicate === undefined ? "" : ` where ${predicate}`),
    );
    return;
  }
  table.indexes.push({ name, unique, method, keys, predicate, named: columnsByName(table), storage });
}

function opclassSql({ name, params }: { name: string; params?: readonly string[] | undefined }): string {
  return params === undefined || params.length === 0
    ? quoteIdentifier(name)
    : `${quoteIdentifier(name)} (${params.join(", ")})`;
}

async function isTaken({ client, schema, draft }: StartContext, table: DraftTable, name: string): Promise<boolean> {
  if (draft.tables.some(({ indexes }) => indexes.some((index) => index.name === name))) return true;
  if (table.withoutIndexes.has(name)) return false;
  const { rowCount } = await client.query(
    "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2",
    [schema, name],
  );
  return rowCount === 1;
}
