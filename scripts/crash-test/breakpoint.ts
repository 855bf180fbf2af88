import type { Client } from "pg";

/** An instant in a migration: one of its steps is about to be written to the ledger with this status. */
export interface Instant {
  readonly position: number;
  readonly step: string;
  readonly status: "running" | "succeeded" | "failed" | "undone" | "finished";
}

/**
 * Stops the control plane at a chosen instant, from outside: a trigger on the ledger sleeps in the very transaction
 * that writes the entry. Nothing in the product knows of it.
 */
export async function installBreakpoints(client: Client): Promise<void> {
  await client.query(`
    create table if not exists public.crash_breakpoint (position integer not null, status text not null);
    create or replace function public.crash_sleep() returns trigger language plpgsql security definer as $$
    declare reached boolean;
    begin
      if tg_table_name = 'migration_steps' then
        select exists (select from public.crash_breakpoint b
          where b.position = new.position and b.status = new.status) into reached;
      else
        select new.finished_at is not null and exists (select from public.crash_breakpoint b
          where b.status = 'finished') into reached;
      end if;
      if reached then perform pg_sleep(600); end if;
      return new;
    end $$;
    create or replace trigger crash_breakpoint before insert or update on aibos.migration_steps
      for each row execute function public.crash_sleep();
    create or replace trigger crash_breakpoint before update on aibos.migration_records
      for each row execute function public.crash_sleep();
  `);
}

export async function setBreakpoint(client: Client, instant: Instant): Promise<void> {
  await client.query("insert into public.crash_breakpoint (position, status) values ($1, $2)", [
    instant.position,
    instant.status,
  ]);
}

export async function clearBreakpoints(client: Client): Promise<void> {
  await client.query("delete from public.crash_breakpoint");
}

export async function removeBreakpoints(client: Client): Promise<void> {
  await client.query(`
    drop trigger if exists crash_breakpoint on aibos.migration_steps;
    drop trigger if exists crash_breakpoint on aibos.migration_records;
    drop function if exists public.crash_sleep();
    drop table if exists public.crash_breakpoint;
  `);
}

/** Resolves when a session of the control plane sleeps at the breakpoint. */
export async function waitForBreakpoint(client: Client): Promise<void> {
  for (const until = Date.now() + 60_000; Date.now() < until;) {
    const { rows } = await client.query(
      "select from pg_stat_activity where wait_event = 'PgSleep' and application_name like 'aibos/%'",
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error("The breakpoint was not reached within 60 s.");
}
