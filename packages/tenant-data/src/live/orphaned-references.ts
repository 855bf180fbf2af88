import { quoteIdentifier } from "../quote-identifier.ts";
import { invalid, type StartContext } from "../operations/start-context.ts";
import type { OperationInvalidError } from "../operations/operation-invalid-error.ts";
import type { DraftTable } from "./draft.ts";
import type { ConstraintFacts } from "./relation-facts.ts";

/** A foreign key that stays without what it refers to. */
export interface OrphanedReference {
  readonly table: DraftTable;
  readonly constraint: string;
  readonly error: OperationInvalidError;
}

/**
 * A foreign key that stays needs the table that it refers to, and a key of its columns: when the older versions go it
 * would be too late to say so.
 */
export function orphanedReferences(context: StartContext): OrphanedReference[] {
  return context.draft.tables.flatMap((table) =>
    (table.facts?.constraints ?? []).flatMap((constraint) => {
      const missing = missingFor(context, table, constraint);
      if (missing === undefined) return [];
      const operation = constraint.columns.length > 1 ? "drop_multi_column_constraint" : "drop_constraint";
      const error = invalid(
        context,
        `"${constraint.name}" of table "${table.name}" ${missing}, which the release drops; drop it by "${operation}" in the same release.`,
      );
      return [{ table, constraint: constraint.name, error }];
    }),
  );
}

function missingFor(
  { draft, schema }: StartContext,
  table: DraftTable,
  constraint: ConstraintFacts,
): string | undefined {
  const { foreign } = constraint;
  if (foreign === null || !stays(table, constraint)) return undefined;
  if (foreign.schema !== schema && foreign.schema !== quoteIdentifier(schema)) return undefined;
  const gone = draft.without.find(({ relation }) => relation === foreign.relation);
  if (gone !== undefined) return `refers to table "${gone.before ?? gone.name}"`;
  const target = draft.tables.find(({ relation }) => relation === foreign.relation);
  if (target === undefined || hasKey(target, foreign.columns)) return undefined;
  return `needs a key over ${foreign.columns.join(", ")} of "${target.name}"`;
}

function stays(table: DraftTable, { name, columns }: ConstraintFacts): boolean {
  if (table.withoutConstraints.has(name)) return false;
  return columns.every((column) => table.columns.some((one) => one.physical === column || one.replaces === column));
}

/** Whether a table still has a key over just these columns, or gets another one. */
function hasKey(table: DraftTable, columns: readonly string[]): boolean {
  const has = (name: string): boolean =>
    table.columns.some(({ physical, replaces }) => physical === name || replaces === name);
  if (!columns.every(has)) return false;
  const wanted = new Set<string | null | undefined>(columns);
  const same = (names: readonly (string | null | undefined)[]): boolean =>
    names.length === wanted.size && names.every((name) => wanted.has(name));
  const kept = table.facts?.indexes.some(
    ({ name, unique, keys, predicate, constraint }) =>
      unique &&
      predicate === null &&
      !table.withoutIndexes.has(name) &&
      !(constraint !== null && table.withoutConstraints.has(constraint)) &&
      same(keys.map(({ column }) => column)),
  );
  if (kept === true) return true;
  const added = [
    ...table.constraints.filter(({ type }) => type === "unique" || type === "primary_key").map((one) => one.columns),
    ...table.indexes.filter(({ unique }) => unique).map((one) => one.keys.map(({ column }) => column)),
  ];
  return added.some((own) => same(own.map(({ replaces, physical }) => replaces ?? physical)));
}
