import { quoteIdentifier } from "../quote-identifier.ts";
import type { ColumnDefinition, TableConstraint } from "./operation.ts";

type Reference = NonNullable<ColumnDefinition["references"]>;

/** What follows the columns of a foreign key's `references`: matching, actions and when it is checked. */
export function actionsSql(reference: {
  on_delete?: string | undefined;
  on_delete_set_columns?: readonly string[] | undefined;
  on_update?: string | undefined;
  match_type?: string | undefined;
}): string {
  const { on_delete: onDelete, on_delete_set_columns: set = [], on_update: onUpdate, match_type: match } = reference;
  const columns = set.length === 0 ? "" : ` (${set.map(quoteIdentifier).join(", ")})`;
  return [
    match === undefined ? "" : ` match ${match.toLowerCase()}`,
    onUpdate === undefined ? "" : ` on update ${onUpdate.toLowerCase()}`,
    onDelete === undefined ? "" : ` on delete ${onDelete.toLowerCase()}${columns}`,
  ].join("");
}

export function timingSql({
  deferrable,
  initially_deferred: deferred,
}: {
  deferrable?: boolean | undefined;
  initially_deferred?: boolean | undefined;
}): string {
  return `${deferrable === true || deferred === true ? " deferrable" : ""}${deferred === true ? " initially deferred" : ""}`;
}

/** A column in `create table`; `target` writes the name of a referenced table. */
export function columnSql(
  column: ColumnDefinition,
  { key }: { key: boolean },
  target: (table: string) => string,
): string {
  const { name, type, nullable, unique, check, references, generated } = column;
  return [
    quoteIdentifier(name),
    ` ${type}`,
    nullable || key ? "" : " not null",
    generatedSql(generated),
    column.default === undefined || column.default === null ? "" : ` default ${column.default}`,
    unique ? " unique" : "",
    check === undefined
      ? ""
      : ` constraint ${quoteIdentifier(check.name)} check (${check.constraint})${check.no_inherit === true ? " no inherit" : ""}`,
    references === undefined ? "" : referenceSql(references, target),
  ].join("");
}

export function generatedSql(generated: ColumnDefinition["generated"]): string {
  if (generated === undefined) return "";
  if (generated.expression !== undefined) return ` generated always as (${generated.expression}) stored`;
  const { user_specified_values: kind = "ALWAYS", sequence_options: options } = generated.identity ?? {};
  return ` generated ${kind.toLowerCase()} as identity${options === undefined || options === "" ? "" : ` (${options})`}`;
}

function referenceSql(reference: Reference, target: (table: string) => string): string {
  const column = reference.column === undefined ? "" : ` (${quoteIdentifier(reference.column)})`;
  return ` constraint ${quoteIdentifier(reference.name)} references ${target(reference.table)}${column}${actionsSql(reference)}${timingSql(reference)}`;
}

export function listSql(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(", ");
}

/** A constraint of a table that nobody uses yet. @returns undefined when a field that its type needs is missing */
export function constraintSql(constraint: TableConstraint, target: (table: string) => string): string | undefined {
  const { name, type, columns = [], check, references, index_parameters: index, exclude } = constraint;
  const include = index?.include_columns === undefined ? "" : ` include (${listSql(index.include_columns)})`;
  const storage = index?.storage_parameters === undefined ? "" : ` with (${index.storage_parameters})`;
  const timing = timingSql(constraint);
  const head = `constraint ${quoteIdentifier(name)}`;
  switch (type) {
    case "check":
      return check === undefined
        ? undefined
        : `${head} check (${check})${constraint.no_inherit === true ? " no inherit" : ""}`;
    case "unique": {
      const nulls = constraint.nulls_not_distinct === true ? " nulls not distinct" : "";
      return columns.length === 0
        ? undefined
        : `${head} unique${nulls} (${listSql(columns)})${include}${storage}${timing}`;
    }
    case "primary_key":
      return columns.length === 0
        ? undefined
        : `${head} primary key (${listSql(columns)})${include}${storage}${timing}`;
    case "foreign_key":
      return references === undefined || columns.length === 0
        ? undefined
        : `${head} foreign key (${listSql(columns)}) references ${target(references.table)} (${listSql(references.columns)})${actionsSql(references)}${timing}`;
    case "exclude": {
      if (exclude === undefined) return undefined;
      const method = exclude.index_method === undefined ? "" : ` using ${quoteIdentifier(exclude.index_method)}`;
      const where = exclude.predicate === undefined ? "" : ` where (${exclude.predicate})`;
      return `${head} exclude${method} (${exclude.elements})${include}${storage}${where}${timing}`;
    }
  }
}
