import { type LogLine, MigrationNotFoundError } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { Notifications } from "../../db/notifications.ts";

const POLL_MS = 1_000;
const PAGE = 1_000;

/** What was said while an operation was under way. */
export interface MigrationLog {
  /** In order, from after a line on. @throws MigrationNotFoundError */
  read(migrationId: string, page: { after: number; limit: number }): Promise<LogLine[]>;
  /** Those that are there, and each new one until the operation has ended. @throws MigrationNotFoundError */
  watch(migrationId: string, after: number, signal?: AbortSignal): AsyncGenerator<LogLine>;
}

export function createMigrationLog({ db }: ControlDatabase, notifications: Notifications): MigrationLog {
  async function hasEnded(migrationId: string): Promise<boolean> {
    const row = await db
      .selectFrom("migration_records")
      .select("finished_at")
      .where("id", "=", migrationId)
      .executeTakeFirst();
    if (row === undefined) throw new MigrationNotFoundError(migrationId);
    return row.finished_at !== null;
  }

  async function linesAfter(migrationId: string, after: number, limit: number): Promise<LogLine[]> {
    const rows = await db
      .selectFrom("migration_log")
      .select(["number", "at", "step", "kind", "text", "ms"])
      .where("migration_id", "=", migrationId)
      .where("number", ">", after)
      .orderBy("number")
      .limit(limit)
      .execute();
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  return {
    async read(migrationId, { after, limit }) {
      await hasEnded(migrationId);
      return linesAfter(migrationId, after, limit);
    },

    async *watch(migrationId, after, signal) {
      let wake: () => void = () => undefined;
      const stop = notifications.on("aibos_migrations", (id) => {
        if (id === migrationId) wake();
      });
      const onAbort = (): void => wake();
      signal?.addEventListener("abort", onAbort);
      try {
        for (let last = after; ;) {
          if (signal?.aborted === true) return;
          const { promise: changed, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          const timer = setTimeout(resolve, POLL_MS);
          // Asked first: what is said before the end is there then.
          const ended = await hasEnded(migrationId);
          const lines = await linesAfter(migrationId, last, PAGE);
          yield* lines;
          last = lines.at(-1)?.number ?? last;
          if (lines.length < PAGE && !ended) await changed;
          clearTimeout(timer);
          if (ended && lines.length < PAGE) return;
        }
      } finally {
        stop();
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}
