import { setTimeout as sleep } from "node:timers/promises";
import { type ClientBase, DatabaseError } from "pg";
import { DomainError } from "@aibos/domain";

/** How long a statement waits for a lock, behind which others wait too, and how often it is tried again. */
export interface LockPatience {
  /** Milliseconds that one try waits at most, and others behind it; the first tries wait less. */
  readonly lockTimeoutMs: number;
  /** Milliseconds in all before it is given up. */
  readonly giveUpAfterMs: number;
}

export const DEFAULT_PATIENCE: LockPatience = { lockTimeoutMs: 500, giveUpAfterMs: 60_000 };

/** Somebody kept a table for longer than we wait; nothing was changed by the step that waited. */
export class LockNotGrantedError extends DomainError {
  readonly code = "AIBOS_LOCK_NOT_GRANTED";
  constructor(what: string, afterMs: number, options: ErrorOptions) {
    super(
      `${what} waited ${Math.round(afterMs / 1_000)} s for a table that somebody's transaction keeps. ` +
        "End long transactions on the tenant's data (pg_stat_activity shows them), then run it again.",
      options,
    );
  }
}

/** The first try is the shortest: most often nobody is there for long. */
const FIRST_TIMEOUT_MS = 50;

/** SQLSTATEs of a lock that was not granted in time, and of a deadlock, which the other side may have caused. */
const NOT_GRANTED = new Set(["55P03", "40P01"]);

/**
 * Runs work in a transaction that waits only briefly for locks, since everybody else waits behind it; tries again, ever
 * later, until it is granted.
 *
 * @throws LockNotGrantedError
 */
export async function inLockedTransaction<T>(
  client: ClientBase,
  what: string,
  patience: LockPatience,
  work: () => Promise<T>,
): Promise<T> {
  return retryLocks(what, patience, async (lockTimeoutMs) => {
    await client.query(`begin; set local lock_timeout = ${Math.ceil(lockTimeoutMs)}`);
    try {
      const result = await work();
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch(() => undefined);
      throw error;
    }
  });
}

/** The same for one statement that can't run in a transaction; `prepare` clears away what a failed try left. */
export async function withoutTransaction(
  client: ClientBase,
  what: string,
  patience: LockPatience,
  work: () => Promise<void>,
): Promise<void> {
  await retryLocks(what, patience, async (lockTimeoutMs) => {
    await client.query(`set lock_timeout = ${Math.ceil(lockTimeoutMs)}`);
    try {
      await work();
    } finally {
      await client.query("reset lock_timeout").catch(() => undefined);
    }
  });
}

async function retryLocks<T>(
  what: string,
  { lockTimeoutMs, giveUpAfterMs }: LockPatience,
  work: (lockTimeoutMs: number) => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  let timeout = Math.min(FIRST_TIMEOUT_MS, lockTimeoutMs);
  for (let pause = 20; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      return await work(timeout);
    } catch (error) {
      if (!(error instanceof DatabaseError) || !NOT_GRANTED.has(error.code ?? "")) throw error;
      const waited = performance.now() - begun;
      if (waited + pause > giveUpAfterMs) throw new LockNotGrantedError(what, waited, { cause: error });
      await sleep(pause * (0.5 + Math.random()));
      timeout = Math.min(timeout * 2, lockTimeoutMs);
    }
  }
}
