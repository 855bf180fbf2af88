import { type Kysely, type Selectable, sql } from "kysely";
import {
  type FleetMember,
  type FleetMemberStatus,
  type FleetUpgrade,
  FleetUpgradeNotFoundError,
  isSettled,
  type Page,
} from "@aibos/contract";
import { type FleetStatus, judgeFleet, type ModuleId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import type { Notifications } from "../../db/notifications.ts";
import { judgementPolicyOf } from "./look-at-fleet.ts";
import { countsOf, recentBatches, type StatusCount, waveTallies } from "./fleet-tallies.ts";

const POLL_MS = 1_000;
/** So long apart whoever watches is told at least: changes come in crowds. */
const PAUSE_MS = 150;
const FAILURES = 20;
/** The rate is that of so many tenants that were settled last. */
const RATE_OF = 50;

type Db = Kysely<ControlTables>;
type FleetRow = Selectable<ControlTables["fleet_upgrades"]>;
export type MemberRow = Selectable<ControlTables["fleet_upgrade_members"]>;

/** @throws FleetUpgradeNotFoundError */
export async function readFleet(db: Db, id: string): Promise<FleetUpgrade> {
  const row = await db.selectFrom("fleet_upgrades").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new FleetUpgradeNotFoundError(id);
  return describeFleet(db, row);
}

/** Newest first. */
export async function listFleets(
  db: Db,
  filter: { module?: ModuleId | undefined; status?: FleetStatus | undefined },
  page: { after: Cursor | undefined; limit: number },
): Promise<Page<FleetUpgrade>> {
  let query = db
    .selectFrom("fleet_upgrades")
    .selectAll()
    .select(sql<string>`created_at::text`.as("place"))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1);
  if (filter.module !== undefined) query = query.where("module", "=", filter.module);
  if (filter.status !== undefined) query = query.where(sql<string>`state ->> 'status'`, "=", filter.status);
  if (page.after !== undefined) {
    const [createdAt, id] = page.after;
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}::timestamptz, ${id})`);
  }
  const found = pageOf(await query.execute(), page.limit, (row) => [row.place, row.id]);
  const items: FleetUpgrade[] = [];
  for (const row of found.items) items.push(await describeFleet(db, row));
  return { items, nextCursor: found.nextCursor };
}

/** In the order in which they go. @throws FleetUpgradeNotFoundError */
export async function listMembers(
  db: Db,
  id: string,
  filter: { status?: FleetMemberStatus | undefined },
  page: { after: Cursor | undefined; limit: number },
): Promise<Page<FleetMember>> {
  const fleet = await db.selectFrom("fleet_upgrades").select("id").where("id", "=", id).executeTakeFirst();
  if (fleet === undefined) throw new FleetUpgradeNotFoundError(id);
  let query = db
    .selectFrom("fleet_upgrade_members")
    .selectAll()
    .where("fleet_upgrade_id", "=", id)
    .orderBy("position")
    .limit(page.limit + 1);
  if (filter.status !== undefined) query = query.where("status", "=", filter.status);
  if (page.after !== undefined) query = query.where("position", ">", Number(page.after[0]) || 0);
  const found = pageOf(await query.execute(), page.limit, (row) => [String(row.position)]);
  return { items: found.items.map(describeMember), nextCursor: found.nextCursor };
}

/** The fleet upgrade now and at changes, until it has ended or halted. */
export async function* watchFleet(
  { db }: ControlDatabase,
  notifications: Notifications,
  id: string,
  signal?: AbortSignal,
): AsyncGenerator<FleetUpgrade> {
  let changed = Promise.withResolvers<void>();
  const wake = (): void => changed.resolve();
  const stop = notifications.on("aibos_fleets", (fleet) => {
    if (fleet === id) wake();
  });
  signal?.addEventListener("abort", wake);
  try {
    for (let shown = ""; ;) {
      if (hasAborted(signal)) return;
      changed = Promise.withResolvers<void>();
      const fleet = await readFleet(db, id);
      const text = JSON.stringify(fleet);
      if (text !== shown) yield fleet;
      shown = text;
      if (isSettled(fleet)) return;
      const timer = setTimeout(wake, POLL_MS);
      await changed.promise;
      clearTimeout(timer);
      if (!hasAborted(signal)) await new Promise((resolve) => void setTimeout(resolve, PAUSE_MS));
    }
  } finally {
    stop();
    signal?.removeEventListener("abort", wake);
  }
}

function hasAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

export function describeMember(row: MemberRow): FleetMember {
  return {
    tenant: row.tenant,
    fromVersion: row.from_version,
    batch: row.batch === null ? null : row.batch + 1,
    status: row.status,
    code: row.code,
    reason: row.reason,
    notBefore: row.not_before?.toISOString() ?? null,
    migrationId: row.migration_id,
    returnMigrationId: row.return_migration_id,
    startedAt: row.started_at?.toISOString() ?? null,
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}

async function describeFleet(db: Db, row: FleetRow): Promise<FleetUpgrade> {
  const { id, state, waves } = row;
  const counted = await sql<StatusCount>`
    select wave, batch, case when overdue then 'failed' else status end as status, count(*)::int as count
    from fleet_upgrade_members where fleet_upgrade_id = ${id} group by 1, 2, 3`.execute(db);
  const failures = await db
    .selectFrom("fleet_upgrade_members")
    .selectAll()
    .where("fleet_upgrade_id", "=", id)
    .where((eb) => eb.or([eb("status", "in", ["failed", "kept"]), eb("overdue", "=", true)]))
    .orderBy(sql`coalesce(settled_at, started_at)`, "desc")
    .orderBy("tenant")
    .limit(FAILURES)
    .execute();
  const counts = countsOf(counted.rows);
  const open = ["waiting", "claimed", "moving", "returning"].reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  const ratePerMinute = await readRate(db, id);
  const judgement = judgeFleet(row.evidence, judgementPolicyOf(row));
  return {
    id,
    module: row.module,
    version: row.version,
    status: state.status,
    reason: state.reason,
    options: { ...row.options },
    tenants: row.tenants,
    counts,
    waves: waveTallies(waves, counted.rows),
    batch: state.batch + 1,
    batches: (waves.at(-1)?.lastBatch ?? -1) + 1,
    recentBatches: recentBatches(counted.rows, state.batch),
    failures: failures.map(describeMember),
    pausedUntil: state.pausedUntil === null ? null : new Date(state.pausedUntil).toISOString(),
    ratePerMinute,
    remainingSeconds: ratePerMinute === null ? null : Math.round((60 * open) / ratePerMinute),
    measurements: row.started_at === null ? null : { verdict: judgement.verdict, sentence: judgement.sentence },
    scheduledAt: row.scheduled_at.toISOString(),
    createdAt: row.created_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

async function readRate(db: Db, id: string): Promise<number | null> {
  const found = await sql<{ count: number; seconds: number | null }>`
    select count(*)::int as count, extract(epoch from max(settled_at) - min(settled_at))::float8 as seconds
    from (
      select settled_at from fleet_upgrade_members
      where fleet_upgrade_id = ${id} and settled_at is not null and migration_id is not null
      order by settled_at desc limit ${RATE_OF}
    ) as newest`.execute(db);
  const { count, seconds } = found.rows[0] ?? { count: 0, seconds: null };
  return seconds === null || seconds === 0 || count < 2 ? null : Math.round((600 * (count - 1)) / seconds) / 10;
}
