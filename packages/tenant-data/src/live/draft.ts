import { quoteIdentifier } from "../quote-identifier.ts";
import type { ConstraintFacts, IndexFacts, RelationFacts } from "./relation-facts.ts";
import type { SchemaTask } from "./live-version.ts";

// What a release makes of the data while its operations are read one after the other. Tables that were there are not
// touched before all operations are known, so that several on one column become one; tables that the release makes are
// changed at once, since nobody uses them.

/** What a column that is still to be made will be. */
export interface ColumnSpec {
  type: string;
  collation: string | null;
  notNull: boolean;
  default: string | null;
  comment: string | null;
  /** Column whose rights, statistics target, identity and sequence it takes over. */
  like: string | null;
  /** Whether `default` is a release's own wish, which must be kept, or the old column's. */
  serial: boolean;
}

export interface DraftColumn {
  /** As the version will call it. */
  name: string;
  /** As the older version calls it; undefined for one that it does not have. */
  before: string | undefined;
  /** In the table; undefined until it is made. */
  physical: string | undefined;
  /** Set for a column that this release makes in a table that was there. */
  spec: ColumnSpec | undefined;
  /** The column of the older version that it stands in for. */
  replaces: string | undefined;
  /** SQL over the older version's names; undefined leaves new rows to the default. */
  up: string | undefined;
  /** `up` is the column's own default, which gives new rows their value. */
  upIsDefault?: true;
  /** The column that it replaces draws from a sequence. */
  drawn?: true;
  /** The version's own default. */
  default?: string | null;
}

/** A check, key or index that the release declares on a table that was there. */
export interface DraftConstraint {
  name: string;
  type: "check" | "unique" | "primary_key" | "foreign_key";
  columns: DraftColumn[];
  /** Of a check: SQL, with the columns that its names meant when it was declared. */
  condition?: string;
  named?: Map<string, DraftColumn>;
  noInherit?: boolean;
  /** ` deferrable initially deferred`, as SQL. */
  timing: string;
  nullsNotDistinct?: boolean;
  include?: DraftColumn[];
  storage?: string | undefined;
  foreign?: { table: string; columns: string[]; actions: string; setColumns: DraftColumn[] };
}

export interface DraftIndex {
  name: string;
  unique: boolean;
  method: string;
  keys: { column: DraftColumn; options: string }[];
  predicate: string | undefined;
  named: Map<string, DraftColumn>;
  storage: string | undefined;
}

export interface DraftTable {
  name: string;
  relation: string;
  /** As the older version calls it; undefined for one that this release makes. */
  before: string | undefined;
  /** Of a table that was there. */
  facts: RelationFacts | undefined;
  columns: DraftColumn[];
  /**
   * For each operation that changes names or values, what the columns before it are over the names after it; null for
   * one that later versions say nothing about.
   */
  stages: Map<string, string | null>[];
  constraints: DraftConstraint[];
  indexes: DraftIndex[];
  /** Names of constraints and indexes that the version does not have any more. */
  withoutConstraints: Set<string>;
  withoutIndexes: Set<string>;
  /** What the version calls constraints and indexes whose names in the schema are passing ones, or are to change. */
  constraintNames: Map<string, string>;
  indexNames: Map<string, string>;
}

export interface Draft {
  tables: DraftTable[];
  /** Tables of the older version that this one does not have. */
  without: DraftTable[];
  finishing: SchemaTask[];
  completing: SchemaTask[];
  /** What the live versions before it have for then. */
  pending: readonly SchemaTask[];
  renaming: SchemaTask[];
  undoing: SchemaTask[];
  /** Makes names that nobody uses: `aibos_<number>_<name>`. */
  number: number;
}

/** A name for something that is there only while versions share a table, cut to what PostgreSQL can hold. */
export function passingName(draft: Draft, name: string): string {
  draft.number += 1;
  const wanted = Buffer.from(`aibos_${draft.number}_${name}`, "utf8");
  // A character cut in half becomes U+FFFD.
  return wanted.length <= 63
    ? wanted.toString("utf8")
    : wanted
        .subarray(0, 60)
        .toString("utf8")
        .replace(/\uFFFD+$/, "");
}

/** The value of a column for a row that an older version wrote, over its names. */
export function upOf(column: DraftColumn): string {
  if (column.up !== undefined) return column.up;
  if (column.before !== undefined) return quoteIdentifier(column.before);
  // A bare null, or text, would be of no type for what is made of it.
  return column.spec === undefined ? "null" : `(${column.spec.default ?? "null"})::${column.spec.type}`;
}

export function constraintOf(table: DraftTable, name: string): ConstraintFacts | undefined {
  return table.facts?.constraints.find(
    (constraint) =>
      (table.constraintNames.get(constraint.name) ?? constraint.name) === name &&
      !table.withoutConstraints.has(constraint.name),
  );
}

export function indexOf(table: DraftTable, name: string): IndexFacts | undefined {
  return table.facts?.indexes.find(
    (index) => (table.indexNames.get(index.name) ?? index.name) === name && !table.withoutIndexes.has(index.name),
  );
}

export function columnsByName(table: DraftTable): Map<string, DraftColumn> {
  return new Map(table.columns.map((column) => [column.name, column]));
}

/** The columns of a table that this release puts new ones in place of. */
export function replacedColumns(table: DraftTable): Map<string, DraftColumn> {
  return new Map(
    table.columns.flatMap((column) => (column.replaces === undefined ? [] : [[column.replaces, column] as const])),
  );
}
