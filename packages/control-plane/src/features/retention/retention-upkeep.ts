import { sql } from "kysely";
import type { Logger } from "pino";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { Retention } from "./retention.ts";
import { DEFAULT_RETENTION } from "./retention-policy.ts";

const EVERY_MS = 3_600_000;
/** So many tenants' modules are read at once. */
const PAGE = 200;
/** So long what operations said is kept, and so many lines are dropped at once. */
const LOG_DAYS = 30;
const LOG_LINES = 10_000;

/** Applies retention policies to copies that have become old, and drops old lines of logs, every hour, for as long as the process runs. */
export function startRetentionUpkeep(options: { database: ControlDatabase; retention: Retention; log: Logger }): {
  close(): Promise<void>;
} {
  const { database, retention, log } = options;
  let closed = false;
  let round: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    await dropOldLog(database);
    let last: { tenant: TenantId; module: ModuleId } | undefined;
    do {
      const pairs = await readAged(database, last);
      for (const pair of pairs) {
        if (closed) return;
        await retention
          .tidy(pair)
          .catch((error: unknown) => log.warn({ error, ...pair }, "old copies were not dropped"));
      }
      last = pairs.length < PAGE ? undefined : pairs.at(-1);
    } while (last !== undefined);
  }
  const timer = setInterval(() => {
    round = round
      .then(look)
      .catch((error: unknown) => log.warn({ error }, "old copies were not looked for; trying again"));
  }, EVERY_MS);
  timer.unref();

  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await round;
    },
  };
}

/** Some at a time, so that nobody waits for it. */
async function dropOldLog({ db }: ControlDatabase): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from migration_log where ctid = any(array(
        select ctid from migration_log where at < clock_timestamp() - make_interval(days => ${LOG_DAYS})
        limit ${LOG_LINES}))`.execute(db);
    if (numAffectedRows < BigInt(LOG_LINES)) return;
  }
}

/** Pairs with a copy that is older than the shortest time that any policy keeps one, after a pair. */
async function readAged(
  { db }: ControlDatabase,
  after: { tenant: TenantId; module: ModuleId } | undefined,
): Promise<{ tenant: TenantId; module: ModuleId }[]> {
  const shortest = [DEFAULT_RETENTION.backups.keepDays, DEFAULT_RETENTION.rollbackPoints.keepDays].filter(
    (days) => days !== null,
  );
  const { rows } = await sql<{ tenant: TenantId; module: ModuleId }>`
    with shortest as (
      select least(${Math.min(...shortest, 36_500)}::int,
        min(least((policy->'backups'->>'keepDays')::int, (policy->'rollbackPoints'->>'keepDays')::int))) as days
      from retention_policies
    ), copies as (
      select tenant, module from rollback_points, shortest
      where state = 'available' and created_at < clock_timestamp() - make_interval(days => shortest.days)
      union
      select tenant, module from backups, shortest
      where state = 'deleting'
        or state = 'available' and created_at < clock_timestamp() - make_interval(days => shortest.days)
    )
    select tenant, module from copies
    where (tenant, module) > (${after?.tenant ?? ""}, ${after?.module ?? ""})
    order by tenant, module limit ${PAGE}`.execute(db);
  return rows;
}
