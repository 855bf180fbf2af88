import { sql } from "kysely";
import { type FleetPlan, type FleetUpgradeOptions, VersionQuarantinedError } from "@aibos/contract";
import {
  buildUpgradeGraph,
  decideDeparture,
  DomainError,
  findUpgradePath,
  type ModuleId,
  type PlannedWave,
  planWaves,
  type Version,
} from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import { readDeclared } from "../freezes/freeze-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { findQuarantine } from "../quarantine/quarantine-read-model.ts";
import { assignBatches, enlistMembers } from "./enlist-members.ts";
import { describeMember, type MemberRow } from "./fleet-read-model.ts";
import { insertFleet, newFleetId } from "./fleet-store.ts";
import { policyOf } from "./upgrade-policy-read-model.ts";

export interface FleetRequest {
  readonly module: ModuleId;
  readonly version: Version;
  readonly options: FleetUpgradeOptions;
}

/** Members that are shown with a plan, and read at once. */
const SHOWN = 1_000;

/**
 * Enters a fleet upgrade with its members, waves and batches, in the caller's transaction.
 *
 * @throws VersionNotFoundError, VersionQuarantinedError
 */
export async function enterFleet(
  tx: ControlTransaction,
  modules: ModuleReadModel,
  { module, version, options }: FleetRequest,
  now: number,
): Promise<{ id: string; waves: readonly PlannedWave[]; scheduledAt: number }> {
  await modules.getVersion(module, version);
  const quarantined = await findQuarantine(tx.db, module, version);
  if (quarantined !== undefined) throw new VersionQuarantinedError(quarantined);
  const id = newFleetId();
  const scheduledAt = options.scheduledTime === undefined ? now : Date.parse(options.scheduledTime);
  await insertFleet(tx, {
    id,
    module,
    version,
    options,
    scheduledAt,
    state: {
      status: "planned",
      batch: 0,
      pausedUntil: null,
      forgiven: { wave: 0, all: 0 },
      acceptDataLoss: false,
      reason: `Begins at ${new Date(scheduledAt).toISOString()}.`,
    },
  });
  const fleet = await enlistMembers(
    tx,
    { id, module, version, options },
    await versionsWithoutPath(tx, modules, module, version),
    now,
  );
  const waves = planWaves(fleet, options.waves, options.batchSize);
  await assignBatches(tx, id, waves, options.batchSize);
  return { id, waves, scheduledAt };
}

/** Versions in use that no path leads from to the one to move to, and why. */
async function versionsWithoutPath(
  { db }: ControlTransaction,
  modules: ModuleReadModel,
  module: ModuleId,
  version: Version,
): Promise<Map<Version, string>> {
  const graph = buildUpgradeGraph(module, await modules.listReleases(module));
  const used = await db
    .selectFrom("tenant_module_instances as i")
    .innerJoin("module_versions as v", (join) =>
      join.onRef("v.module", "=", "i.module").onRef("v.version", "=", "i.version"),
    )
    .select("i.version")
    .distinct()
    .where("i.module", "=", module)
    .where("i.status", "<>", "retired")
    .where("v.sort_key", "<", (eb) =>
      eb.selectFrom("module_versions").select("sort_key").where("module", "=", module).where("version", "=", version),
    )
    .execute();
  const without = new Map<Version, string>();
  for (const { version: from } of used) {
    try {
      findUpgradePath(graph, from, version);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      without.set(from, error.message);
    }
  }
  return without;
}

/** What an entered fleet upgrade would do, from all that is known without its tenants' data. */
export async function describePlan(
  tx: ControlTransaction,
  { module, version, options }: FleetRequest,
  entered: Awaited<ReturnType<typeof enterFleet>>,
): Promise<FleetPlan> {
  const { id, waves, scheduledAt } = entered;
  const begins = await estimateBatches(tx, { module, version, options }, entered);
  const frozen = await readDeclared(tx.db, { module }, scheduledAt);
  const plan: FleetPlan = { module, version, tenants: 0, goes: 0, later: 0, skipped: 0, waves: [], members: [] };
  for (let after = -1; ;) {
    const rows = await readPage(tx, id, module, version, after);
    for (const row of rows) {
      const planned = decideRow(row, { module, version, options }, frozen, begins(row.batch ?? 0) ?? scheduledAt);
      plan.tenants += 1;
      plan[planned.status === "skipped" ? "skipped" : planned.status === "deferred" ? "later" : "goes"] += 1;
      if (plan.members.length < SHOWN) plan.members.push(describeMember(planned));
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < SHOWN) break;
    after = last.position;
  }
  plan.waves = waves.map(({ name, start, end, firstBatch, lastBatch }) => {
    const startsAt = begins(firstBatch);
    return {
      name,
      tenants: end - start,
      firstBatch: firstBatch + 1,
      lastBatch: lastBatch + 1,
      startsAt: startsAt === null ? null : new Date(startsAt).toISOString(),
    };
  });
  return plan;
}

interface PlanRow extends MemberRow {
  readonly policy: Parameters<typeof policyOf>[0] | null;
  readonly consented: boolean;
  readonly busy: string | null;
  readonly live: number;
}

async function readPage(
  { db }: ControlTransaction,
  id: string,
  module: ModuleId,
  version: Version,
  after: number,
): Promise<readonly PlanRow[]> {
  const found = await sql<PlanRow>`
    select m.*, p.policy, c.version is not null as consented, t.migration_id as busy,
      (select count(*)::int from tenant_module_instances i
        where i.tenant = m.tenant and i.module = ${module} and i.status <> 'retired') as live
    from fleet_upgrade_members m
      join tenant_modules t on t.tenant = m.tenant and t.module = ${module}
      left join upgrade_policies p on p.tenant = m.tenant and p.module = ${module}
      left join upgrade_consents c on c.tenant = m.tenant and c.module = ${module} and c.version = ${version}
    where m.fleet_upgrade_id = ${id} and m.position > ${after}
    order by m.position limit ${SHOWN}`.execute(db);
  return found.rows;
}

function decideRow(
  row: PlanRow,
  { version, options }: FleetRequest,
  declared: Awaited<ReturnType<typeof readDeclared>>,
  at: number,
): MemberRow {
  if (row.status === "skipped") return row;
  const skipped = (code: string, reason: string): MemberRow => ({ ...row, status: "skipped", code, reason });
  if (row.busy !== null) return skipped("busy", `${row.busy} is running`);
  if (row.live > 1) return skipped("side-by-side", `${row.live} versions run side by side`);
  const own = policyOf(row.policy ?? undefined);
  const frozen = declared.filter(({ tenant }) => tenant === null || tenant === row.tenant);
  const departure = decideDeparture({
    policy: { ...own, freezes: [...own.freezes, ...frozen] },
    from: row.from_version,
    to: version,
    consented: row.consented,
    heedWindow: options.window === "tenant",
    deadline: options.deadline === undefined ? null : Date.parse(options.deadline),
    now: Math.max(at, row.not_before?.getTime() ?? 0),
  });
  if (departure.kind === "skip") return skipped(departure.code, departure.reason);
  if (departure.kind === "go") return { ...row, not_before: row.not_before ?? new Date(at) };
  return { ...row, status: "deferred", reason: departure.reason, not_before: new Date(departure.until) };
}

/** When a batch would begin: from how long such moves took, or others of the module; null where there were none. */
async function estimateBatches(
  { db }: ControlTransaction,
  { module, version, options }: FleetRequest,
  { waves, scheduledAt }: Awaited<ReturnType<typeof enterFleet>>,
): Promise<(batch: number) => number | null> {
  const found = await sql<{ seconds: number | null }>`
    select avg(extract(epoch from finished_at - started_at))::float8 as seconds from (
      select started_at, finished_at from migration_records
      where module = ${module} and kind = 'migrate' and status = 'succeeded'
      order by to_version = ${version} desc, created_at desc limit 200) as newest`.execute(db);
  const seconds = found.rows[0]?.seconds ?? null;
  if (seconds === null) return () => null;
  const batchMs = Math.ceil(options.batchSize / options.concurrency) * seconds * 1_000;
  return (batch) => {
    const soaked = waves.reduce((sum, wave) => (wave.lastBatch < batch ? sum + wave.soakSeconds * 1_000 : sum), 0);
    return scheduledAt + soaked + batch * (batchMs + options.delayBetweenBatches);
  };
}
