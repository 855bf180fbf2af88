import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";

const REACHED_MS = 120_000;

/** Stops the control plane in the middle of a transaction, from outside: nothing in the product knows of it. */
export interface SleepingTrigger extends AsyncDisposable {
  /** The next transactions sleep there for so many seconds. */
  arm(seconds: number): Promise<void>;
  disarm(): Promise<void>;
  /** Resolves to the process of the control plane whose session sleeps there. */
  reached(): Promise<number>;
}

/**
 * @param when such as `after insert on aibos.t for each row when (…)`; the tables must be the control schema's
 * @param atCommit whether the transaction sleeps at its commit, and not at the statement
 */
export async function createSleepingTrigger(
  client: Client,
  table: string,
  when: string,
  atCommit: boolean,
): Promise<SleepingTrigger> {
  await client.query(`
    create table if not exists public.fault_sleep (seconds double precision not null);
    create or replace function public.fault_sleep() returns trigger language plpgsql security definer as $$
    begin
      perform pg_sleep(seconds) from public.fault_sleep;
      return null;
    end $$;
    create ${atCommit ? "constraint" : ""} trigger fault_sleep after insert on ${table}
      ${atCommit ? "deferrable initially deferred" : ""} for each row ${when} execute function public.fault_sleep();
  `);
  const disarm = async (): Promise<void> => void (await client.query("delete from public.fault_sleep"));
  return {
    async arm(seconds) {
      await disarm();
      await client.query("insert into public.fault_sleep values ($1)", [seconds]);
    },
    disarm,
    async reached() {
      for (const until = Date.now() + REACHED_MS; Date.now() < until; await sleep(10)) {
        const { rows } = await client.query<{ pid: number }>(
          `select p.pid from pg_stat_activity a
             join aibos.control_plane_processes p on a.application_name = 'aibos/' || p.id
           where a.wait_event = 'PgSleep'`,
        );
        if (rows[0] !== undefined) return rows[0].pid;
      }
      throw new Error(`No control plane came to the trigger on ${table} within ${REACHED_MS / 1_000} s.`);
    },
    async [Symbol.asyncDispose]() {
      await client.query(`drop trigger fault_sleep on ${table}; drop table public.fault_sleep;`);
    },
  };
}
