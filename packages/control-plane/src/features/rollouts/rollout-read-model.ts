import { type Kysely, sql } from "kysely";
import {
  type Page,
  type Rollout,
  RolloutNotFoundError,
  type RolloutStatus,
  type RolloutVerdict,
} from "@aibos/contract";
import { type Judgement, type ModuleId, parseModuleId, type RolloutState, type TenantId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import type { StoredRolledFlag } from "../../db/flag-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import { readEjectedProcesses } from "../gateways/ejected-upstreams.ts";
import { stepsOf } from "./resolve-policy.ts";

/** The newest verdicts that are shown with a rollout. */
const VERDICTS = 100;

/** @throws RolloutNotFoundError */
export async function readRollout(db: Kysely<ControlTables>, id: string): Promise<Rollout> {
  const row = await db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new RolloutNotFoundError(id);
  const verdicts = await db
    .selectFrom("rollout_verdicts")
    .select(["at", "step", "judgement"])
    .where("rollout_id", "=", id)
    .orderBy("number", "desc")
    .limit(VERDICTS)
    .execute();
  // One of a flag has no versions, and one that is over is of no concern to gateways.
  const versions = row.finished_at === null ? [row.old_version, row.new_version].filter((one) => one !== null) : [];
  const ejected = versions.length === 0 ? [] : await readEjectedProcesses(db, parseModuleId(row.module), versions);
  return {
    ...(await describe(db, row)),
    ejected: ejected.map(({ since, ...process }) => ({ ...process, since: since.toISOString() })),
    verdicts: verdicts.map(describeVerdict),
  };
}

/** Newest first, without their verdicts. */
export async function listRollouts(
  db: Kysely<ControlTables>,
  filter: { tenant?: TenantId | undefined; module?: ModuleId | undefined; status?: RolloutStatus | undefined },
  page: { after: Cursor | undefined; limit: number },
): Promise<Page<Rollout>> {
  let query = db
    .selectFrom("rollouts")
    .selectAll()
    .select(sql<string>`created_at::text`.as("position"))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1);
  const { tenant, module, status } = filter;
  if (module !== undefined) query = query.where("module", "=", module);
  if (status !== undefined) query = query.where(statusOf, "=", status);
  if (tenant !== undefined) {
    query = query.where("id", "in", (eb) =>
      eb.selectFrom("rollout_tenants").select("rollout_id").where("tenant", "=", tenant),
    );
  }
  if (page.after !== undefined) {
    const [createdAt, id] = page.after;
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}::timestamptz, ${id})`);
  }
  const found = pageOf(await query.execute(), page.limit, (row) => [row.position, row.id]);
  const items = await Promise.all(found.items.map((row) => describe(db, row)));
  return { items: items.map((item) => ({ ...item, ejected: [], verdicts: [] })), nextCursor: found.nextCursor };
}

/** The rollout that shares a tenant's traffic now. */
export async function activeRollout(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<string | undefined> {
  const row = await db
    .selectFrom("rollout_tenants")
    .select("rollout_id")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("status", "in", ["running", "returning"])
    .executeTakeFirst();
  return row?.rollout_id;
}

/** How many rollouts are under way, by status. */
export async function countRollouts(db: Kysely<ControlTables>): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom("rollouts")
    .select((eb) => [statusOf.as("status"), eb.fn.countAll<number>().as("count")])
    .where("finished_at", "is", null)
    .groupBy(statusOf)
    .execute();
  return new Map([
    ["running", 0],
    ["paused", 0],
    ...rows.map(({ status, count }): [string, number] => [status, count]),
  ]);
}

const statusOf = sql<RolloutStatus>`coalesce(
  state ->> 'outcome', case when state ->> 'pausedAt' is null then 'running' else 'paused' end)`;

interface RolloutRow {
  readonly id: string;
  readonly module: string;
  readonly old_version: string | null;
  readonly new_version: string | null;
  readonly flag: StoredRolledFlag | null;
  readonly policy: Parameters<typeof stepsOf>[0];
  readonly state: RolloutState;
  readonly weight: number;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

async function describe(db: Kysely<ControlTables>, row: RolloutRow): Promise<Omit<Rollout, "verdicts" | "ejected">> {
  const tenants = await db
    .selectFrom("rollout_tenants")
    .select(["tenant", "status", "reason"])
    .where("rollout_id", "=", row.id)
    .orderBy("tenant")
    .execute();
  const { state } = row;
  return {
    id: row.id,
    module: row.module,
    oldVersion: row.old_version,
    newVersion: row.new_version,
    flag: row.flag === null ? null : describeFlag(row.flag),
    status: state.outcome ?? (state.pausedAt === null ? "running" : "paused"),
    reason: state.reason,
    step: state.step + 1,
    phase: state.phase,
    weight: row.weight / 100,
    steps: stepsOf(row.policy).map(({ weight, holdSeconds, minimumSamples }) => ({
      weight,
      holdSeconds,
      minimumSamples,
    })),
    tenants,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

function describeFlag({ key, variant, by, segment }: StoredRolledFlag): Rollout["flag"] {
  // Tenants are not compared: a tenant is in or out as a whole.
  return { key, variant, by: by === "tenant" ? "user" : by, segment };
}

function describeVerdict({ at, step, judgement }: { at: Date; step: number; judgement: Judgement }): RolloutVerdict {
  const { verdict, sentence, evidence, needed, analyses } = judgement;
  return {
    at: at.toISOString(),
    step: step + 1,
    verdict,
    sentence,
    evidence,
    needed,
    analyses: analyses.map(({ measure, fresh, interval, samples, report, ...analysis }) => ({
      ...analysis,
      ...measureOf(measure),
      new: fresh,
      // Infinite ends were stored as null: JSON has no other way.
      difference: interval,
      samples: { old: samples.old, new: samples.fresh },
      report:
        report === null ? null : { ...withoutNested(report), low: report.interval.low, high: report.interval.high },
    })),
  };
}

function measureOf(measure: Judgement["analyses"][number]["measure"]) {
  switch (measure.kind) {
    case "error-rate":
      return { measure: "error-rate" as const, unit: "share" };
    case "latency":
      return { measure: "latency" as const, unit: "ms" };
    case "paired":
      return { measure: "number" as const, unit: measure.unit };
  }
}

function withoutNested({ pValue, shift, effect, method }: NonNullable<Judgement["analyses"][number]["report"]>) {
  return { pValue, shift, effect, method };
}
