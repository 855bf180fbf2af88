import { sql } from "kysely";
import type { Logger } from "pino";
import { MEASUREMENT_BATCH_DAYS } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { dropOldFlagMeasurements } from "./flag-measurements.ts";
import type { MeasurementPartitions } from "./partitions.ts";
import { rollUp } from "./roll-up.ts";
import { type MeasurementKeep, PARTITION_MS } from "./spans.ts";

const ROLL_UP_EVERY_MS = 5_000;
const CLEAN_EVERY_MS = 60_000;

export interface MeasurementUpkeep {
  close(): Promise<void>;
}

/** Keeps the measurements small for as long as the process runs: sums them up, and drops what is old. */
export function startMeasurementUpkeep(options: {
  database: ControlDatabase;
  partitions: MeasurementPartitions;
  keep: MeasurementKeep;
  now: () => number;
  log: Logger;
}): MeasurementUpkeep {
  const { database, partitions, keep, now, log } = options;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let cleanedAt = 0;

  async function clean(): Promise<void> {
    const time = now();
    // Those of the next hours are there before they are needed.
    await partitions.ensure("10s", [time, time + PARTITION_MS["10s"]]);
    await partitions.ensure("1m", [time, time + PARTITION_MS["10s"]]);
    await partitions.ensure("1h", [time, time + PARTITION_MS["10s"]]);
    await partitions.dropOld(time, keep);
    await dropOldFlagMeasurements(database.db, time);
    // A day more than gateways keep what they could not send.
    await sql`
      delete from measurement_batches
      where applied_at < clock_timestamp() - make_interval(days => ${MEASUREMENT_BATCH_DAYS + 1})
    `.execute(database.db);
  }

  async function look(): Promise<void> {
    try {
      await rollUp({ database, partitions, now });
      if (now() - cleanedAt >= CLEAN_EVERY_MS) {
        await clean();
        cleanedAt = now();
      }
    } catch (error) {
      if (!closed) log.warn({ error }, "measurements were not summed up; trying again");
    }
    if (!closed) timer = setTimeout(() => void (round = look()), ROLL_UP_EVERY_MS);
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
