/** PostgreSQL's table locks, weakest first (documentation, "Explicit Locking"). */
export const LOCK_LEVELS = [
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
] as const;
export type LockLevel = (typeof LOCK_LEVELS)[number];

/** `unknown` where it depends on what only the database knows, such as a column's present type. */
export type Answer = "yes" | "no" | "unknown";

/** What a statement does to one table that was there before. */
export interface TableEffect {
  /** As the statement names it: with its schema where one is written. For an index, the index's name. */
  readonly relation: string;
  readonly lock: LockLevel;
  /** Whether every row is written anew, in a new file, under the lock. */
  readonly rewrites: Answer;
  /** Whether every row is read, or an index is built, under the lock. */
  readonly scans: Answer;
}

/** Something to know before the statement is run, and the way that is safer. */
export interface Finding {
  /** Stable, for programs. */
  readonly code: FindingCode;
  /** What happens, in plain words. */
  readonly message: string;
  /** What to do instead; undefined where nothing is better. */
  readonly safer?: string;
}

export type FindingCode =
  | "blocks-reads"
  | "blocks-writes"
  | "rewrites-table"
  | "scans-table"
  | "loses-data"
  | "breaks-old-code"
  | "writes-all-rows"
  | "not-in-transaction"
  | "used-after-commit"
  | "unknown";

export interface StatementRisk {
  /** The statement on one line, cut after 200 characters. */
  readonly statement: string;
  /** Line in the file, from 1. */
  readonly line: number;
  /** PostgreSQL's name of the statement's kind, such as `AlterTableStmt`. */
  readonly kind: string;
  /** False when nothing is known about the kind: it is unknown, not safe. */
  readonly known: boolean;
  readonly effects: readonly TableEffect[];
  /** Whether a statement can take it back with nothing lost. */
  readonly reversible: Answer;
  /** Whether it can run in a transaction block. */
  readonly inTransaction: boolean;
  readonly findings: readonly Finding[];
}

export function strongest(effects: readonly TableEffect[]): LockLevel | undefined {
  return LOCK_LEVELS.findLast((level) => effects.some((effect) => effect.lock === level));
}
