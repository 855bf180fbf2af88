import type { StatementRisk } from "../../statement-risk/statement-risk.ts";

/** `error` stops the release; `warning` is to be known before; `note` says how far was looked. */
export type FindingSeverity = "error" | "warning" | "note";

export type ReleaseFindingCode =
  /** The newest live version is another one, or is not filled yet. */
  | "version-not-live"
  /** The version was started with other files. */
  | "drift"
  /** The schema has something of which no copy can be made, so that nothing can be tried. */
  | "structure-not-copied"
  /** An operation, one of its expressions or types does not fit the tables. */
  | "operation-invalid"
  /** The release brings a column that is a tenant's own field; `choices` are the ways out. */
  | "custom-field-conflict"
  /** An index that can't be built while others write. */
  | "index-needs-lock"
  /** The versions before can't go afterwards, such as for a view that needs a column. */
  | "complete-fails"
  /** The version could not be taken back. */
  | "rollback-fails"
  /** An expression fails for a row that is there. */
  | "conversion-fails"
  | "check-violated"
  | "value-missing"
  | "not-unique"
  | "reference-missing"
  /** A statement of the author's own SQL; `statement` says what it locks, rewrites and loses. */
  | "sql-risk"
  /** Somebody's transaction keeps a table that must be changed. */
  | "table-in-use"
  /** Filling rows fires a trigger of the module's own. */
  | "trigger-fires"
  /** From the start on, who writes must say which version it is. */
  | "writers-named"
  /** Row-level security that is forced on the owner hides rows from the look. */
  | "rows-hidden"
  /** Rows that were not looked at, and why. */
  | "rows-not-checked";

/** Something to know before a release is started. */
export interface ReleaseFinding {
  /** Stable, for programs. */
  readonly code: ReleaseFindingCode;
  readonly severity: FindingSeverity;
  /** What is wrong, where, and what to do. */
  readonly message: string;
  /** File and operation. */
  readonly where?: string;
  /** As the newer version calls it. */
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  /** The key of a row that shows it, as JSON; its place in the table when it has no key. */
  readonly row?: string;
  /** Rows, or values, that show it, among those that were looked at. */
  readonly rows?: number;
  readonly expression?: string;
  readonly statement?: StatementRisk;
  /** Of a custom field: what {@link Release.customFields} may say for `table.column`. */
  readonly choices?: readonly [{ readonly adopt: true }, { readonly rename: string }];
}

/** What a release makes to do on one table that is there. */
export interface TableWork {
  /** As the newer version calls it, or the older one where the newer has none. */
  readonly table: string;
  /** An estimate of the server's, unless `looked` is "all". */
  readonly rows: number;
  /** On disk, without indexes. */
  readonly bytes: number;
  /** Whether all its rows are written once. */
  readonly fills: boolean;
  readonly indexesBuilt: number;
  readonly constraintsChecked: number;
  /** Which rows were tried. */
  readonly looked: "all" | "sample" | "none";
  readonly rowsLooked: number;
}

export interface ReleaseValidation {
  /** Nothing found is an error. */
  readonly isValid: boolean;
  /** Errors first. */
  readonly findings: readonly ReleaseFinding[];
  /** Tables that the release changes. */
  readonly tables: readonly TableWork[];
  readonly rowsToFill: number;
  /** What filling adds to the tables at most, without indexes: each row is written once more. */
  readonly bytesToFill: number;
}

/** How much is looked at. */
export interface ValidationBudget {
  /** A table with more rows is looked at by a sample. @default 100000 */
  readonly rowLimit?: number;
  /** Rows of a sample, about. @default 10000 */
  readonly sampleRows?: number;
  /** Milliseconds for all rows together; what is left over then is said. @default 30000 */
  readonly timeMs?: number;
  /** A transaction that has kept a table for at least so many seconds is told. @default 5 */
  readonly longSeconds?: number;
}
