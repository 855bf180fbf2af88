import type { OperationKind } from "../operation.ts";

/** The version that has the data at first, and the one that the case's release makes of it. */
export const OLDER = "1";
export const NEWER = "2";

/** One statement, who runs it, and what comes of it. */
export interface Step {
  /** A user of a version, or the owner of the schema, who names no version. */
  readonly as: typeof OLDER | typeof NEWER | null;
  readonly sql: string;
  /** The rows, each with its values between bars. */
  readonly rows: readonly string[];
  /** Part of the message when the server refuses it. */
  readonly error?: string;
}

interface Operated {
  /** The operation that the case is about. */
  readonly operation: OperationKind;
  readonly name: string;
  /** SQL that the schema comes from. */
  readonly given: string;
  /** The operations of the release, in one file. */
  readonly migrations: readonly object[];
}

/** A release that goes its way to either end. */
export interface EndedCase extends Operated {
  /** When the schema is expanded, and no row is filled: what the older version sees, and what its writes do. */
  readonly afterStart: readonly Step[];
  /** When both versions are live. */
  readonly afterBackfill: readonly Step[];
  /** When the newer one is the only one. */
  readonly afterComplete: readonly Step[];
  /** When, instead, the older one is the only one again. */
  readonly afterRollback: readonly Step[];
  /** SQL of the author's own without a `down`: what it made stays after a rollback. */
  readonly noWayBack?: true;
  /** SQL of the author's own changes rows when the older versions go. */
  readonly changesRowsAtTheEnd?: true;
}

/** A release that is refused before anything is changed. */
export interface RefusedCase extends Operated {
  readonly expectedStartError: string;
}

/** A release that rows which are there do not fit: it is told before the version is visible. */
export interface FailedCase extends Operated {
  readonly expectedBackfillError: string;
}

export type OperationCase = EndedCase | RefusedCase | FailedCase;

export function older(sql: string, ...rows: readonly string[]): Step {
  return { as: OLDER, sql, rows };
}

export function newer(sql: string, ...rows: readonly string[]): Step {
  return { as: NEWER, sql, rows };
}

export function owner(sql: string, ...rows: readonly string[]): Step {
  return { as: null, sql, rows };
}

export function refused(step: Step, error: string): Step {
  return { ...step, error };
}
