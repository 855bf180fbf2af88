import { setTimeout as sleep } from "node:timers/promises";
import { type ClientBase, DatabaseError } from "pg";
import { DEFAULT_PATIENCE, LockNotGrantedError } from "../live/lock-retry.ts";

const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Lifts row-level security that is forced on a table's owner and would hide rows from this session, until
 * {@link putBackRowSecurity}. Only under a lock that keeps others from the table; both end with a savepoint, so that
 * nobody ever sees the table without. Waits for the lock only briefly at a time: others wait behind it.
 */
export async function liftRowSecurity(client: ClientBase, table: string): Promise<void> {
  await client.query("savepoint lifted");
  const { lockTimeoutMs, giveUpAfterMs } = DEFAULT_PATIENCE;
  const begun = performance.now();
  for (let pause = 50; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      await client.query(`alter table ${table} no force row level security`);
      return;
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

/** Tables whose forced row-level security holds for the session's role, too. */
export async function tablesHidingRows(client: ClientBase, schema: string): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_roles r on r.rolname = current_user and not r.rolsuper and not r.rolbypassrls
     where n.nspname = $1 and c.relkind = 'r' and c.relrowsecurity and c.relforcerowsecurity`,
    [schema],
  );
  return new Set(rows.map(({ name }) => name));
}
