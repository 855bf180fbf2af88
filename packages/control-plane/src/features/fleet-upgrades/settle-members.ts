import { sql } from "kysely";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { StoredFleet } from "./fleet-store.ts";

/**
 * Writes down what came of migrations that have ended. Each tenant is settled by the first one who sees it.
 *
 * @returns how many were
 */
export async function settleMembers({ db }: ControlTransaction, id: string): Promise<number> {
  const settled = await sql`
    update fleet_upgrade_members m
    set status = case
        when m.status = 'moving' then case when r.status = 'succeeded' then 'moved' else 'failed' end
        else case when r.status = 'succeeded' then 'returned' else 'kept' end end,
      code = coalesce(r.failure ->> 'code', case when r.status <> 'succeeded' then m.code end),
      reason = case when r.status = 'succeeded' then null else
        coalesce('at step "' || (r.failure ->> 'step') || '": ' || (r.failure ->> 'message'), m.reason, 'it was ' || r.status) end,
      overdue = false,
      settled_at = coalesce(r.finished_at, clock_timestamp())
    from migration_records r
    where m.fleet_upgrade_id = ${id}
      -- One that failed and is left as it is waits for somebody to decide.
      and (r.finished_at is not null or (r.status = 'paused' and r.failure is not null))
      and ((m.status = 'moving' and r.id = m.migration_id) or (m.status = 'returning' and r.id = m.return_migration_id))`.execute(
    db,
  );
  return Number(settled.numAffectedRows ?? 0);
}

/** Lets batches go on without tenants that take longer than they may. They count as failed until they have ended. */
export async function markOverdue({ db }: ControlTransaction, fleet: StoredFleet, now: number): Promise<void> {
  const seconds = fleet.options.tenantTimeoutSeconds;
  await db
    .updateTable("fleet_upgrade_members")
    .set({ overdue: true, code: "timeout", reason: `takes longer than ${seconds} s` })
    .where("fleet_upgrade_id", "=", fleet.id)
    .where("status", "=", "moving")
    .where("overdue", "=", false)
    .where("started_at", "<", new Date(now - seconds * 1_000))
    .execute();
}

/** Migrations of tenants that take too long, and that nobody has told to end yet. */
export async function overdueMigrations({ db }: ControlDatabase, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom("fleet_upgrade_members as m")
    .innerJoin("migration_records as r", "r.id", "m.migration_id")
    .select("r.id")
    .where("m.fleet_upgrade_id", "=", id)
    .where("m.overdue", "=", true)
    .where("r.finished_at", "is", null)
    .where("r.wanted", "is", null)
    .execute();
  return rows.map((row) => row.id);
}

/** Whoever has not begun does not begin any more. */
export async function cancelWaiting({ db }: ControlTransaction, id: string): Promise<void> {
  await db
    .updateTable("fleet_upgrade_members")
    .set({
      status: "cancelled",
      reason: "the fleet upgrade ended before its turn",
      settled_at: sql<Date>`clock_timestamp()`,
    })
    .where("fleet_upgrade_id", "=", id)
    .where("status", "in", ["waiting", "deferred", "claimed"])
    .execute();
}

/** Those that could not be taken back are tried again. */
export async function retryKept({ db }: ControlTransaction, id: string): Promise<void> {
  await db
    .updateTable("fleet_upgrade_members")
    .set({ status: "moved", code: null, reason: null, return_migration_id: null })
    .where("fleet_upgrade_id", "=", id)
    .where("status", "=", "kept")
    .execute();
}
