import { sql } from "kysely";
import type { ControlDatabase } from "../../db/control-database.ts";
import { type MeasurementKeep, PARTITION_MS, type Span } from "./spans.ts";

/** Partitions outlive their rows' time by this, so that nobody who is late writes to one that goes. */
const MARGIN_MS = 3_600_000;
/** Making and dropping a partition waits for those who read or write; others wait behind it meanwhile. */
const LOCK_TIMEOUT = "2s";

/** The partitions of the tables of measurements. */
export interface MeasurementPartitions {
  /** Makes those that hold these moments, in milliseconds since the epoch. */
  ensure(span: Span, moments: Iterable<number>): Promise<void>;
  /** Drops those whose rows are older than they are kept, and not needed for coarser ones any more. */
  dropOld(now: number, keep: MeasurementKeep): Promise<void>;
}

export function createMeasurementPartitions(database: ControlDatabase): MeasurementPartitions {
  const made = new Set<string>();

  async function inTurn(statement: string): Promise<void> {
    await database.transaction(async ({ client }) => {
      await client.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
      // Several processes make the same ones: one at a time.
      await client.query("select pg_advisory_xact_lock(hashtextextended('aibos measurement partitions', 0))");
      await client.query(statement);
    });
  }

  return {
    async ensure(span, moments) {
      const size = PARTITION_MS[span];
      for (const start of new Set([...moments].map((moment) => moment - (moment % size)))) {
        const name = `measurements_${span}_p${start / 1_000}`;
        if (made.has(name)) continue;
        const [from, to] = [start, start + size].map((at) => `'${new Date(at).toISOString()}'`);
        await inTurn(
          `create table if not exists ${name} partition of measurements_${span} for values from (${from}) to (${to})`,
        );
        made.add(name);
      }
    },

    async dropOld(now, keep) {
      const { rows } = await sql<{ name: string }>`
        select c.relname as name from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('measurements_10s'::regclass, 'measurements_1m'::regclass, 'measurements_1h'::regclass)
      `.execute(database.db);
      for (const { name } of rows) {
        const [, span, start] = /^measurements_(10s|1m|1h)_p(\d+)$/.exec(name) ?? [];
        if (span !== "10s" && span !== "1m" && span !== "1h") continue;
        const end = Number(start) * 1_000 + PARTITION_MS[span];
        if (end > now - keep[span] - MARGIN_MS) continue;
        if (await isNeeded(span, end)) continue;
        await inTurn(`drop table if exists ${name}`);
        made.delete(name);
      }
    },
  };

  /** Whether something up to this moment is still to be summed up. */
  async function isNeeded(span: Span, end: number): Promise<boolean> {
    const { rows } = await sql`
      select from measurement_rollups where at < ${new Date(end)} and ${span} <> '1h' limit 1
    `.execute(database.db);
    return rows.length > 0;
  }
}
