import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";

/** So many rows are folded in one transaction. */
const AT_ONCE = 20_000;
const EVERY_MS = 15_000;

/**
 * Adds changes of counts that triggers wrote to the counts. One process does at a time; others find nothing to do.
 *
 * @returns whether there may be more
 */
export function foldCounts(database: ControlDatabase): Promise<boolean> {
  return database.transaction(async ({ db }) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended('aibos statistics', 0)) as mine`.execute(db);
    if (rows[0]?.mine !== true) return false;
    const [migrations, instances] = [await foldMigrations(db), await foldInstances(db)];
    return migrations >= AT_ONCE || instances >= AT_ONCE;
  });
}

async function foldMigrations(db: Kysely<ControlTables>): Promise<number> {
  const { rows } = await sql<{ taken: number }>`
    with taken as (
      delete from migration_count_changes
      where id in (select id from migration_count_changes order by id limit ${AT_ONCE})
      returning *
    ), folded as (
      insert into migration_counts as c
      select module, kind, from_version, to_version, status, code, step, day, bucket, sum(count), sum(total_us)
      from taken group by 1, 2, 3, 4, 5, 6, 7, 8, 9
      on conflict (module, kind, day, from_version, to_version, status, code, step, bucket)
      do update set count = c.count + excluded.count, total_us = c.total_us + excluded.total_us
    )
    select count(*)::int as taken from taken`.execute(db);
  return rows[0]?.taken ?? 0;
}

async function foldInstances(db: Kysely<ControlTables>): Promise<number> {
  const { rows } = await sql<{ taken: number }>`
    with taken as (
      delete from instance_count_changes
      where id in (select id from instance_count_changes order by id limit ${AT_ONCE})
      returning *
    ), folded as (
      insert into instance_counts as c
      select module, version, day, sum(change) from taken group by 1, 2, 3
      on conflict (module, version, day) do update set change = c.change + excluded.change
    )
    select count(*)::int as taken from taken`.execute(db);
  return rows[0]?.taken ?? 0;
}

/** Folds for as long as the process runs. */
export function startFoldingCounts(options: { database: ControlDatabase; log: Logger }): { close(): Promise<void> } {
  const { database, log } = options;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const isClosed = (): boolean => closed;
  async function look(): Promise<void> {
    try {
      for (let more = true; more && !isClosed();) more = await foldCounts(database);
    } catch (error) {
      if (!closed) log.warn({ error }, "statistics were not folded; trying again");
    }
    if (!closed) timer = setTimeout(() => void (round = look()), EVERY_MS);
  }
  let round = look();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await round;
    },
  };
}
