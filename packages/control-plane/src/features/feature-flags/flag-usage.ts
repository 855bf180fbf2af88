import { sql } from "kysely";
import type { Logger } from "pino";
import type { ModuleId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";

const WRITE_MS = 5_000;
const MAX_ROWS = 50_000;
const SEPARATOR = "\0";

/** Counts evaluations in memory, and adds the sums to the database every few seconds. */
export interface FlagUsageCounter {
  count(module: ModuleId, version: string, flag: string, variant: string, evaluations?: number): void;
  /** Writes what was counted until now. */
  write(): Promise<void>;
  close(): Promise<void>;
}

export function createFlagUsageCounter(options: { database: ControlDatabase; log: Logger }): FlagUsageCounter {
  const { database, log } = options;
  let counts = new Map<string, number>();
  const timer = setInterval(() => void write(), WRITE_MS);
  timer.unref();

  async function write(): Promise<void> {
    if (counts.size === 0) return;
    const written = counts;
    counts = new Map();
    const rows = [...written].map(([key, evaluations]) => {
      const [module = "", version = "", flag = "", variant = ""] = key.split(SEPARATOR);
      return { module, version, flag, variant, evaluations };
    });
    try {
      // A flag that no version declares is nobody's: names come from outside.
      await sql`insert into flag_usage (module, flag, version, variant, day, evaluations)
        select r.module, r.flag, r.version, r.variant, (now() at time zone 'utc')::date, sum(r.evaluations)
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as r(module text, flag text, version text, variant text, evaluations bigint)
        where exists (select from feature_flags f where f.module = r.module and f.version = r.version and f.key = r.flag)
        group by 1, 2, 3, 4 order by 1, 2, 3, 4
        on conflict (module, flag, day, version, variant) do update
          set evaluations = flag_usage.evaluations + excluded.evaluations, last_at = clock_timestamp()`.execute(
        database.db,
      );
    } catch (error) {
      log.warn({ error }, "usage of flags was not written; it is tried again");
      for (const [key, evaluations] of written) counts.set(key, (counts.get(key) ?? 0) + evaluations);
      if (counts.size > MAX_ROWS) counts = new Map();
    }
  }

  return {
    count(module, version, flag, variant, evaluations = 1) {
      const key = [module, version, flag, variant].join(SEPARATOR);
      counts.set(key, (counts.get(key) ?? 0) + evaluations);
    },
    write,
    async close() {
      clearInterval(timer);
      await write();
    },
  };
}
