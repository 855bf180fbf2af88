/** A small schema of one kind of object, and what must still work when its copy has taken its place. */
export interface CopyCase {
  readonly name: string;
  readonly given: string;
  /** SQL that must run after the restore. */
  readonly works?: string;
  /** SQL that must be refused after the restore, with what PostgreSQL says. */
  readonly refuses?: readonly [sql: string, message: RegExp];
  /** The text of a function names the schema, so that a backup is restored under that name alone. */
  readonly ownName?: true;
  /** Why it can't be copied. */
  readonly unsupported?: RegExp;
}
