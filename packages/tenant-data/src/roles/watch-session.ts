import type { QueryResult } from "pg";
import type { TenantSession } from "./tenant-session.ts";

/** A statement that changes something, when it has ended. */
export interface WatchedStatement {
  readonly sql: string;
  readonly ms: number;
}

/** A lock on a table that others wait for. */
export interface HeldLock {
  readonly table: string;
  /** As pg_locks calls it, such as `AccessExclusiveLock`. */
  readonly mode: string;
  /** From the beginning of the statement that took it to the end of its transaction. */
  readonly ms: number;
}

export interface SessionWatcher {
  readonly statement?: (statement: WatchedStatement) => void;
  /** What a `raise notice` or the server says. */
  readonly notice?: (message: string) => void;
  /** Of tables that were there when the watching began: nobody waits for others. */
  readonly lock?: (lock: HeldLock) => void;
}

/** Modes for which users' reads or writes wait. */
const MODES = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];
const POLL_MS = 20;

const BEGINS = /^\s*(begin|start\s+transaction)\b/i;
const COMMITS = /^\s*(commit|end)\b/i;
const ROLLS_BACK = /^\s*rollback\b(?!\s+to)/i;
const LOOKS_ONLY =
  /^\s*(select|show|set|reset|begin|start|commit|end|rollback|savepoint|release|discard|with(?![^;]*\b(insert|update|delete|merge)\b))/i;
const LOCKS_TABLES = /\b(alter|create|drop|truncate|reindex|cluster|refresh|vacuum|lock\s+table|do|call)\b/i;

/**
 * Tells of what is run on a tenant's session from here on. For locks it asks the server after each statement that may
 * take one, and while it runs where it is a transaction of its own: a lock that only such a statement holds, for less than
 * the time between two looks, can be missed.
 */
export async function watchSession(session: TenantSession, watcher: SessionWatcher): Promise<void> {
  const { client } = session;
  const query = client.query.bind(client) as (...given: readonly unknown[]) => Promise<QueryResult>;
  const locks = watcher.lock === undefined ? undefined : await watchLocks(session, query, watcher.lock);
  if (watcher.notice !== undefined) client.on("notice", ({ message }) => watcher.notice?.(message ?? ""));

  async function watched(sql: string, given: readonly unknown[]): Promise<QueryResult> {
    const began = performance.now();
    const work = (): Promise<QueryResult> => query(...given);
    const result = await (locks === undefined ? work() : locks.around(sql, work));
    if (!LOOKS_ONLY.test(sql)) watcher.statement?.({ sql, ms: performance.now() - began });
    return result;
  }

  // What takes rows as a stream, or a callback, is passed on as it is.
  client.query = ((...given: readonly unknown[]) => {
    const [first] = given;
    const sql = textOf(first);
    return sql === undefined || typeof given.at(-1) === "function" ? query(...given) : watched(sql, given);
  }) as typeof client.query;
}

function textOf(query: unknown): string | undefined {
  if (typeof query === "string") return query;
  const isConfig = typeof query === "object" && query !== null && "text" in query && !("submit" in query);
  return isConfig && typeof query.text === "string" ? query.text : undefined;
}

async function watchLocks(
  { client, place, platform }: TenantSession,
  query: (...given: readonly unknown[]) => Promise<QueryResult>,
  tell: (lock: HeldLock) => void,
): Promise<{ around(sql: string, work: () => Promise<QueryResult>): Promise<QueryResult> }> {
  const { rows: facts } = await client.query<{ pid: number; tables: string[] }>(
    `select pg_backend_pid() as pid, array(select c.oid::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relkind in ('r', 'p', 'm')) as tables`,
    [place.schema],
  );
  const [{ pid, tables } = { pid: 0, tables: [] }] = facts;
  const READ = `select c.relname as table, l.mode from pg_locks l join pg_class c on c.oid = l.relation
    where l.pid = $1 and l.granted and l.locktype = 'relation' and l.mode = any($2) and c.oid::text = any($3)`;
  const values = [pid, MODES, tables];
  const since = new Map<string, number>();
  let inTransaction = false;

  function note(rows: readonly { table: string; mode: string }[], began: number): void {
    for (const { table, mode } of rows) {
      const key = JSON.stringify([table, mode]);
      if (!since.has(key)) since.set(key, began);
    }
  }
  function tellAll(): void {
    for (const [key, began] of since) {
      const [table, mode] = JSON.parse(key) as [string, string];
      tell({ table, mode, ms: performance.now() - began });
    }
    since.clear();
  }
  const rowsOf = (result: QueryResult): { table: string; mode: string }[] => result.rows;

  /** A statement that is a transaction of its own is looked at from outside. */
  async function alone(work: () => Promise<QueryResult>, began: number): Promise<QueryResult> {
    const ended = new AbortController();
    const look = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        const found = await platform.query<{ table: string; mode: string }>(READ, values).catch(() => undefined);
        if (ended.signal.aborted) return;
        note(found?.rows ?? [], began);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    };
    const looking = look();
    try {
      return await work();
    } finally {
      ended.abort();
      tellAll();
      await looking;
    }
  }

  return {
    async around(sql, work) {
      const began = performance.now();
      if (BEGINS.test(sql)) inTransaction = true;
      const ends = COMMITS.test(sql) || ROLLS_BACK.test(sql);
      if (COMMITS.test(sql) && inTransaction) note(rowsOf(await query(READ, values)), began);
      if (!ends && !inTransaction && LOCKS_TABLES.test(sql) && !LOOKS_ONLY.test(sql)) return alone(work, began);
      const result = await work();
      if (ends) {
        inTransaction = false;
        tellAll();
      } else if (inTransaction && LOCKS_TABLES.test(sql)) note(rowsOf(await query(READ, values)), began);
      return result;
    },
  };
}
