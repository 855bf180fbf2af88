import { sql } from "kysely";
import type { TenantId, Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { StoredFleet } from "./fleet-store.ts";

/** So long a process has a tenant for starting its migration. One that has ended gives it free at once. */
const CLAIM_SECONDS = 60;

/** Whether nobody starts a claimed tenant any more: the time is over, or the process has stopped or was declared dead. */
const isAbandoned = (at: Date) => sql<boolean>`(m.claimed_until < ${at} or exists (
  select from control_plane_processes p where p.id = m.claimed_by and p.state <> 'live'))`;

export interface ClaimedMember {
  readonly tenant: TenantId;
  readonly fromVersion: Version;
}

/**
 * Takes tenants whose turn it is, so that no other process does: of the batch at work and those before it, and those
 * whose later time has come. A lock that somebody else holds is gone around, not waited for.
 */
export async function claimMembers(
  database: ControlDatabase,
  { id, state, options }: StoredFleet,
  claim: { by: string; most: number; now: number },
): Promise<ClaimedMember[]> {
  const { by, most, now } = claim;
  const at = new Date(now);
  const perStore = options.concurrencyPerDataStore ?? null;
  return database.transaction(async ({ db }) => {
    // Counting what a data store has under way and adding to it must not happen twice at once.
    if (perStore !== null)
      await sql`select pg_advisory_xact_lock(hashtextextended(${`aibos fleet ${id}`}, 0))`.execute(db);
    const claimed = await sql<{ tenant: TenantId; from_version: Version }>`
      with busy as (
        select m.data_store, count(*) as moving from fleet_upgrade_members m
        where m.fleet_upgrade_id = ${id} and (m.status = 'moving' or (m.status = 'claimed' and not ${isAbandoned(at)}))
        group by m.data_store
      ), due as (
        select m.tenant, m.position,
          row_number() over (partition by m.data_store order by m.position) + coalesce(b.moving, 0) as place
        from fleet_upgrade_members m left join busy b using (data_store)
        where m.fleet_upgrade_id = ${id} and (
          (m.status = 'waiting' and m.batch <= ${state.batch})
          or (m.status = 'deferred' and m.not_before <= ${at})
          or (m.status = 'claimed' and ${isAbandoned(at)}))
      ), chosen as (
        select m.fleet_upgrade_id, m.tenant
        from fleet_upgrade_members m join due d on d.tenant = m.tenant
        where m.fleet_upgrade_id = ${id} and (${perStore}::int is null or d.place <= ${perStore}::int)
          -- Asked again of a row that somebody took since it was seen: it is passed over, and does not fill the limit.
          and (m.status in ('waiting', 'deferred') or (m.status = 'claimed' and ${isAbandoned(at)}))
        order by m.position limit ${most} for update of m skip locked
      )
      update fleet_upgrade_members m
      set status = 'claimed', claimed_by = ${by}, claimed_until = ${new Date(now + CLAIM_SECONDS * 1_000)}
      from chosen c
      where m.fleet_upgrade_id = c.fleet_upgrade_id and m.tenant = c.tenant
        -- Locked only after it was chosen: somebody may have taken it in between.
        and (m.status in ('waiting', 'deferred') or (m.status = 'claimed' and ${isAbandoned(at)}))
      returning m.tenant, m.from_version`.execute(db);
    return claimed.rows.map(({ tenant, from_version: fromVersion }) => ({ tenant, fromVersion }));
  });
}

/** Takes tenants to be taken back: those that this fleet upgrade moved, the last one first. */
export async function claimReturns(
  { db }: ControlDatabase,
  { id }: Pick<StoredFleet, "id">,
  claim: { by: string; most: number; now: number },
): Promise<ClaimedMember[]> {
  const { by, most, now } = claim;
  const at = new Date(now);
  const claimed = await sql<{ tenant: TenantId; from_version: Version }>`
    with chosen as (
      select m.tenant from fleet_upgrade_members m
      where m.fleet_upgrade_id = ${id} and (
        m.status = 'moved' or (m.status = 'returning' and m.return_migration_id is null and ${isAbandoned(at)}))
      order by m.settled_at desc, m.position desc limit ${most} for update of m skip locked
    )
    update fleet_upgrade_members m
    set status = 'returning', claimed_by = ${by}, claimed_until = ${new Date(now + CLAIM_SECONDS * 1_000)}
    from chosen c where m.fleet_upgrade_id = ${id} and m.tenant = c.tenant
    returning m.tenant, m.from_version`.execute(db);
  return claimed.rows.map(({ tenant, from_version: fromVersion }) => ({ tenant, fromVersion }));
}

/** How many tenants of a fleet a process has under way. */
export async function underWayOf({ db }: ControlDatabase, id: string, by: string): Promise<number> {
  const row = await db
    .selectFrom("fleet_upgrade_members")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("fleet_upgrade_id", "=", id)
    .where("status", "in", ["claimed", "moving", "returning"])
    .where("overdue", "=", false)
    .where("claimed_by", "=", by)
    .executeTakeFirstOrThrow();
  return row.count;
}
