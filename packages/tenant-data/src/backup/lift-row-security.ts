import { setTimeout as sleep } from "node:timers/promises";
import { type ClientBase, DatabaseError } from "pg";
import { DEFAULT_PATIENCE, LockNotGrantedError } from "../live/lock-retry.ts";

const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Lifts row-level security that is forced on a table's owner and would hide rows from this session, until
 * {@link putBackRowSecurity}. Only under a lock that keeps others from the table; both end with a savepoint, so that
 * nobody ever sees the table without. Waits for the lock only briefly at a time: others wait behind it.
 *
 * Gives false when nothing is hidden.
 */
export async function liftRowSecurity(client: ClientBase, table: string): Promise<boolean> {
  if (!(await hidesRows(client, table))) return false;
  await client.query("savepoint lifted");
  const { lockTimeoutMs, giveUpAfterMs } = DEFAULT_PATIENCE;
  const begun = performance.now();
  for (let pause = 50; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      await client.query(`alter table ${table} no force row level security`);
      return true;
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
      const waited = performance.now() - begun;
      if (waited + pause > giveUpAfterMs)
        throw new LockNotGrantedError(`The backup of ${table}`, waited, { cause: error });
      await client.query("rollback to savepoint lifted");
      await sleep(pause);
    }
  }
}

export async function putBackRowSecurity(client: ClientBase): Promise<void> {
  await client.query("rollback to savepoint lifted");
}

/** Whether forced row-level security holds for the session's role, too. */
async function hidesRows(client: ClientBase, table: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_class c join pg_roles r on r.rolname = current_user
     where c.oid = $1::regclass and c.relrowsecurity and c.relforcerowsecurity and not r.rolsuper and not r.rolbypassrls`,
    [table],
  );
  return rowCount === 1;
}
