import type { Client } from "pg";

/** An instant in a migration: one of its steps is about to be written to the ledger with this status. */
export interface Instant {
  readonly position: number;
  readonly step: string;
  readonly status: "running" | "succeeded" | "failed" | "undone" | "finished";
}

/** An instant in a fleet upgrade: one of its tenants is about to be written with this status. */
export interface MemberInstant {
  readonly member: "claimed" | "moving" | "moved" | "returning" | "returned";
}

/** Locks of the breakpoints are (this, number of the breakpoint): any constant that nobody else uses. */
const LOCK_CLASS = 620_211;

/** Who reached a breakpoint: its number, and the name of the session, which tells the process. */
export interface Stopped {
  readonly breakpoint: number;
  readonly session: string;
}

/**
 * Stops control planes at chosen instants, from outside: a trigger waits in the very transaction that writes the entry,
 * for a lock that this client has. Nothing in the product knows of it.
 */
export async function installBreakpoints(client: Client): Promise<void> {
  await client.query(`
    create table if not exists public.crash_breakpoints (
      id integer generated always as identity primary key, tenant text, member boolean not null,
      position integer, status text not null);
    -- Its own lock timeout: what stops here must not fail of it.
    create or replace function public.crash_stop() returns trigger
    language plpgsql security definer set lock_timeout = 0 as $$
    declare stop integer;
    begin
      if tg_table_name = 'migration_steps' then
        select b.id into stop from public.crash_breakpoints b join aibos.migration_records r on r.id = new.migration_id
        where not b.member and (b.tenant is null or b.tenant = r.tenant)
          and b.position = new.position and b.status = new.status limit 1;
      elsif tg_table_name = 'migration_records' then
        select b.id into stop from public.crash_breakpoints b
        where not b.member and (b.tenant is null or b.tenant = new.tenant)
          and new.finished_at is not null and b.status = 'finished' limit 1;
      else
        select b.id into stop from public.crash_breakpoints b
        where b.member and (b.tenant is null or b.tenant = new.tenant) and b.status = new.status
          and new.status is distinct from old.status limit 1;
      end if;
      if stop is not null then perform pg_advisory_xact_lock_shared(${LOCK_CLASS}, stop); end if;
      return new;
    end $$;
    create or replace trigger crash_breakpoint before insert or update on aibos.migration_steps
      for each row execute function public.crash_stop();
    create or replace trigger crash_breakpoint before update on aibos.migration_records
      for each row execute function public.crash_stop();
    create or replace trigger crash_breakpoint before update on aibos.fleet_upgrade_members
      for each row execute function public.crash_stop();
  `);
}

/** Sets a breakpoint for a tenant, or for the first one that comes by. Resolves to its number. */
export async function setBreakpoint(
  client: Client,
  instant: Instant | MemberInstant,
  tenant?: string,
): Promise<number> {
  const member = "member" in instant;
  const { rows } = await client.query<{ id: number }>(
    `with made as (
       insert into public.crash_breakpoints (tenant, member, position, status) values ($1, $2, $3, $4) returning id)
     select id, pg_advisory_lock(${LOCK_CLASS}, id) from made`,
    [tenant ?? null, member, member ? null : instant.position, member ? instant.member : instant.status],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error("The breakpoint was not set.");
  return id;
}

/** Nobody stops any more; who stands goes on standing until {@link releaseBreakpoints}. */
export async function clearBreakpoints(client: Client): Promise<void> {
  await client.query("delete from public.crash_breakpoints");
}

export async function releaseBreakpoints(client: Client): Promise<void> {
  await client.query("select pg_advisory_unlock_all()");
}

export async function removeBreakpoints(client: Client): Promise<void> {
  await client.query(`
    drop trigger if exists crash_breakpoint on aibos.migration_steps;
    drop trigger if exists crash_breakpoint on aibos.migration_records;
    drop trigger if exists crash_breakpoint on aibos.fleet_upgrade_members;
    drop function if exists public.crash_stop();
    drop table if exists public.crash_breakpoints;
  `);
}

/** Sessions that stand at breakpoints now. */
export async function readStopped(client: Client): Promise<Stopped[]> {
  const { rows } = await client.query<Stopped>(
    `select l.objid::int as breakpoint, a.application_name as session
     from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.classid = ${LOCK_CLASS} and l.objsubid = 2 and not l.granted`,
  );
  return rows;
}

/** Resolves when somebody stands at each of these breakpoints, or at any where none is named. */
export async function waitForBreakpoint(client: Client, wanted: readonly number[] = []): Promise<Stopped[]> {
  for (const until = Date.now() + 90_000; Date.now() < until;) {
    const stopped = await readStopped(client);
    const reached = new Set(stopped.map(({ breakpoint }) => breakpoint));
    if (wanted.length === 0 ? reached.size > 0 : wanted.every((id) => reached.has(id))) return stopped;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error(`The breakpoint was not reached within 90 s: ${wanted.join(", ")}.`);
}
