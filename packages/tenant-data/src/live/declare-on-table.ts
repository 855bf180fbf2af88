import { DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { invalid, relationSql, requireColumn, requireTable, type StartContext } from "../operations/start-context.ts";
import { type DraftColumn, type DraftConstraint, type DraftTable, passingName } from "./draft.ts";
import { renameColumns } from "./expression.ts";

/** Makes the constraints that the release declares on a table that was there: not checked yet, or noted for later. */
export async function declareConstraints(context: StartContext, table: DraftTable): Promise<void> {
  const { draft } = context;
  for (const constraint of table.constraints.splice(0)) {
    const taken = table.facts?.constraints.some(({ name }) => name === constraint.name) === true;
    const name =
      taken || (await isRelation(context, constraint)) ? passingName(draft, constraint.name) : constraint.name;
    if (name !== constraint.name) {
      draft.renaming.push({ do: "rename-constraint", relation: table.relation, from: name, to: constraint.name });
    }
    if (constraint.type === "check") await declareCheck(context, table, constraint, name);
    else if (constraint.type === "foreign_key") declareReference(context, table, constraint, name);
    else declareKey(context, table, constraint, name);
  }
}

/** Notes the indexes that the release declares on a table that was there; they are built without keeping writers out. */
export async function declareIndexes(context: StartContext, table: DraftTable): Promise<void> {
  const { draft } = context;
  for (const index of table.indexes.splice(0)) {
    const taken = table.facts?.indexes.some(({ name }) => name === index.name) === true;
    const name = taken ? passingName(draft, index.name) : index.name;
    if (taken) draft.renaming.push({ do: "rename-index", from: name, to: index.name });
    const keys = index.keys.map(({ column, options }) => `${quoteIdentifier(physicalOf(context, column))}${options}`);
    const predicate =
      index.predicate === undefined
        ? ""
        : ` where ${await renameColumns(index.predicate, namesOf(context, index.named))}`;
    draft.finishing.push({
      do: "create-index",
      relation: table.relation,
      index: name,
      unique: index.unique,
      definition: `using ${index.method} (${keys.join(", ")})${index.storage === undefined ? "" : ` with (${index.storage})`}${predicate}`,
    });
    draft.undoing.unshift({ do: "drop-index", index: name });
  }
}

async function declareCheck(
  context: StartContext,
  table: DraftTable,
  constraint: DraftConstraint,
  name: string,
): Promise<void> {
  const condition = await renameColumns(
    constraint.condition ?? "true",
    namesOf(context, constraint.named ?? new Map()),
  );
  await context.client
    .query(
      `alter table ${relationSql(context, table)} add constraint ${quoteIdentifier(name)} check (${condition})` +
        `${constraint.noInherit === true ? " no inherit" : ""} not valid`,
    )
    .catch((cause: unknown) => {
      if (!(cause instanceof DatabaseError) || !/^(0A|22|42)/.test(cause.code ?? "")) throw cause;
      throw invalid(
        context,
        `the check "${constraint.name}" of "${table.name}" does not fit: ${cause.message} (SQLSTATE ${cause.code}).`,
        { cause, sqlState: cause.code },
      );
    });
  context.draft.undoing.unshift({ do: "drop-constraint", relation: table.relation, constraint: name });
  context.draft.finishing.push({ do: "validate-constraint", relation: table.relation, constraint: name });
}

function declareReference(context: StartContext, table: DraftTable, constraint: DraftConstraint, name: string): void {
  const { draft } = context;
  const { foreign } = constraint;
  if (foreign === undefined) throw invalid(context, `constraint "${name}" does not say what it refers to.`);
  const target = requireTable(context, foreign.table);
  const list = (columns: readonly DraftColumn[]): string =>
    columns.map((column) => quoteIdentifier(physicalOf(context, column))).join(", ");
  const theirs = foreign.columns.map((column) => requireColumn(context, target, column));
  const set = foreign.setColumns.length === 0 ? "" : ` (${list(foreign.setColumns)})`;
  draft.finishing.push(
    {
      do: "add-foreign-key",
      relation: table.relation,
      constraint: name,
      definition:
        `foreign key (${list(constraint.columns)}) references ${relationSql(context, target)} (${list(theirs)})` +
        `${foreign.actions}${set}${constraint.timing}`,
    },
    { do: "validate-constraint", relation: table.relation, constraint: name },
  );
  draft.undoing.unshift({ do: "drop-constraint", relation: table.relation, constraint: name });
}

function declareKey(context: StartContext, table: DraftTable, constraint: DraftConstraint, name: string): void {
  const { draft } = context;
  const list = (columns: readonly DraftColumn[]): string =>
    columns.map((column) => quoteIdentifier(physicalOf(context, column))).join(", ");
  const include = constraint.include ?? [];
  draft.finishing.push({
    do: "create-index",
    relation: table.relation,
    index: name,
    unique: true,
    definition: [
      `using btree (${list(constraint.columns)})`,
      include.length === 0 ? "" : ` include (${list(include)})`,
      constraint.nullsNotDistinct === true ? " nulls not distinct" : "",
      constraint.storage === undefined ? "" : ` with (${constraint.storage})`,
    ].join(""),
  });
  draft.undoing.unshift({ do: "drop-index", index: name });
  draft.completing.push({
    do: "adopt-index",
    relation: table.relation,
    index: name,
    constraint: name,
    primaryKey: constraint.type === "primary_key",
    timing: constraint.timing,
  });
}

function physicalOf(context: StartContext, column: DraftColumn): string {
  if (column.physical === undefined) throw invalid(context, `column "${column.name}" is not there any more.`);
  return column.physical;
}

function namesOf(context: StartContext, columns: ReadonlyMap<string, DraftColumn>): Map<string, string> {
  return new Map(
    [...columns].flatMap(([name, column]) =>
      column.physical === undefined ? [] : [[name, physicalOf(context, column)] as const],
    ),
  );
}

/** Whether a key's name, which its index has too, is that of a table or index. */
async function isRelation({ client, schema }: StartContext, constraint: DraftConstraint): Promise<boolean> {
  if (constraint.type !== "unique" && constraint.type !== "primary_key") return false;
  const { rowCount } = await client.query(
    "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2",
    [schema, constraint.name],
  );
  return rowCount === 1;
}
