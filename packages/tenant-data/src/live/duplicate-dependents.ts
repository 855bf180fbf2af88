import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { invalid, relationSql, type StartContext } from "../operations/start-context.ts";
import { type DraftColumn, type DraftTable, passingName, replacedColumns } from "./draft.ts";
import { renameColumns } from "./expression.ts";
import type { ConstraintFacts, IndexFacts } from "./relation-facts.ts";

// A column that stands in for another one needs what the other one had: its checks, keys, references and indexes. Those
// are made under passing names, and take the old ones' names when the old column is gone.

type Replaced = ReadonlyMap<string, DraftColumn>;

function physicalNames(replaced: Replaced): Map<string, string> {
  return new Map([...replaced].map(([old, column]) => [old, column.physical ?? old]));
}

export async function duplicateConstraints(
  context: StartContext,
  table: DraftTable,
  replaced: Replaced,
): Promise<void> {
  const names = physicalNames(replaced);
  for (const constraint of table.facts?.constraints ?? []) {
    if (!constraint.columns.some((column) => replaced.has(column))) continue;
    if (table.withoutConstraints.has(constraint.name)) {
      const dropped = { do: "drop-constraint", relation: table.relation, constraint: constraint.name } as const;
      if (constraint.type === "f") context.draft.completing.unshift(dropped);
      else context.draft.completing.push(dropped);
      continue;
    }
    if (constraint.type === "c") await duplicateCheck(context, table, constraint, names);
    if (constraint.type === "x") {
      throw invalid(
        context,
        `the exclusion constraint "${constraint.name}" of "${table.name}" is on a column that the release changes; drop it first.`,
      );
    }
  }
}

async function duplicateCheck(
  context: StartContext,
  table: DraftTable,
  constraint: ConstraintFacts,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const { client, draft } = context;
  const condition = await renameColumns(constraint.condition ?? "true", names);
  const name = passingName(draft, constraint.name);
  const sql = relationSql(context, table);
  await client
    .query(
      `alter table ${sql} add constraint ${quoteIdentifier(name)} check (${condition})${constraint.noInherit ? " no inherit" : ""} not valid`,
    )
    .catch((cause: unknown) => {
      throw invalid(
        context,
        `the check "${constraint.name}" of "${table.name}" does not fit the changed column ` +
          `(${cause instanceof Error ? cause.message : String(cause)}); drop it by "drop_constraint" in the same release.`,
        { cause },
      );
    });
  if (constraint.comment !== null) {
    await client.query(
      `comment on constraint ${quoteIdentifier(name)} on ${sql} is ${quoteLiteral(constraint.comment)}`,
    );
  }
  draft.undoing.unshift({ do: "drop-constraint", relation: table.relation, constraint: name });
  if (constraint.validated) {
    draft.finishing.push({ do: "validate-constraint", relation: table.relation, constraint: name });
  }
  renameLater(context, table, name, constraint.name);
}

/** Foreign keys of this table whose own columns, or those that they refer to, have others in their place. */
export async function duplicateReferences(context: StartContext, table: DraftTable): Promise<void> {
  const { draft } = context;
  const own = physicalNames(replacedColumns(table));
  for (const constraint of table.facts?.constraints ?? []) {
    const { foreign } = constraint;
    if (foreign === null || table.withoutConstraints.has(constraint.name)) continue;
    const here = foreign.schema === quoteIdentifier(context.schema) || foreign.schema === context.schema;
    const target = here ? draft.tables.find(({ relation }) => relation === foreign.relation) : undefined;
    const theirs = target === undefined ? new Map<string, string>() : physicalNames(replacedColumns(target));
    const ownChange = constraint.columns.some((column) => own.has(column));
    if (!ownChange && !foreign.columns.some((column) => theirs.has(column))) continue;
    const name = passingName(draft, constraint.name);
    const list = (columns: readonly string[], names: ReadonlyMap<string, string>): string =>
      columns.map((column) => quoteIdentifier(names.get(column) ?? column)).join(", ");
    const set = foreign.setColumns.length === 0 ? "" : ` (${list(foreign.setColumns, own)})`;
    draft.finishing.push({
      do: "add-foreign-key",
      relation: table.relation,
      constraint: name,
      definition:
        `foreign key (${list(constraint.columns, own)}) references ${foreign.schema}.${quoteIdentifier(foreign.relation)} ` +
        `(${list(foreign.columns, theirs)})${foreign.actions}${set}${timingOf(constraint)}`,
    });
    draft.undoing.unshift({ do: "drop-constraint", relation: table.relation, constraint: name });
    if (constraint.validated) {
      draft.finishing.push({ do: "validate-constraint", relation: table.relation, constraint: name });
    }
    // Before the key that it needs is dropped.
    draft.completing.unshift({ do: "drop-constraint", relation: table.relation, constraint: constraint.name });
    renameLater(context, table, name, constraint.name);
  }
}

export async function duplicateIndexes(context: StartContext, table: DraftTable, replaced: Replaced): Promise<void> {
  if (replaced.size === 0) return;
  const { draft } = context;
  const names = physicalNames(replaced);
  for (const index of table.facts?.indexes ?? []) {
    if (table.withoutIndexes.has(index.name) || !mentions(index, replaced)) continue;
    const constraint = table.facts?.constraints.find((one) => one.name === index.constraint);
    if (constraint?.type === "x" || (constraint !== undefined && table.withoutConstraints.has(constraint.name)))
      continue;
    const name = passingName(draft, index.name);
    draft.finishing.push({
      do: "create-index",
      relation: table.relation,
      index: name,
      unique: index.unique,
      definition: await definitionOf(index, names),
    });
    draft.undoing.unshift({ do: "drop-index", index: name });
    if (constraint === undefined) {
      // It may be one that goes with its column, or not, such as one whose other columns stay.
      draft.completing.push({ do: "drop-index", index: index.name });
      draft.renaming.push({ do: "rename-index", from: name, to: table.indexNames.get(index.name) ?? index.name });
    } else {
      draft.completing.push(
        { do: "drop-constraint", relation: table.relation, constraint: constraint.name },
        {
          do: "adopt-index",
          relation: table.relation,
          index: name,
          constraint: name,
          primaryKey: constraint.type === "p",
          timing: timingOf(constraint),
        },
      );
      renameLater(context, table, name, constraint.name);
    }
    if (index.replicaIdentity) {
      draft.completing.push({ do: "replica-identity", relation: table.relation, identity: "index", index: name });
    }
  }
}

function mentions(index: IndexFacts, replaced: Replaced): boolean {
  const columns = [...index.keys.flatMap(({ column }) => (column === null ? [] : [column])), ...index.include];
  return [...columns, ...index.mentions].some((column) => replaced.has(column));
}

async function definitionOf(index: IndexFacts, names: ReadonlyMap<string, string>): Promise<string> {
  const keys: string[] = [];
  for (const { column, text, options } of index.keys) {
    const key =
      column === null ? `(${await renameColumns(text, names)})` : quoteIdentifier(names.get(column) ?? column);
    keys.push(`${key}${options}`);
  }
  const include = index.include.map((column) => quoteIdentifier(names.get(column) ?? column)).join(", ");
  return [
    `using ${quoteIdentifier(index.method)} (${keys.join(", ")})`,
    include === "" ? "" : ` include (${include})`,
    index.nullsNotDistinct ? " nulls not distinct" : "",
    index.storage.length === 0 ? "" : ` with (${index.storage.join(", ")})`,
    index.predicate === null ? "" : ` where ${await renameColumns(index.predicate, names)}`,
  ].join("");
}

function timingOf({ deferrable, deferred }: ConstraintFacts): string {
  return `${deferrable ? " deferrable" : ""}${deferred ? " initially deferred" : ""}`;
}

function renameLater({ draft }: StartContext, table: DraftTable, from: string, original: string): void {
  const to = table.constraintNames.get(original) ?? original;
  draft.renaming.push({ do: "rename-constraint", relation: table.relation, from, to });
}
