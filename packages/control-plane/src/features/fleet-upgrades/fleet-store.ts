import { randomBytes } from "node:crypto";
import type { FleetUpgradeOptions } from "@aibos/contract";
import {
  type FleetCourse,
  type FleetEvidence,
  type FleetState,
  isFinal,
  type ModuleId,
  NO_FLEET_EVIDENCE,
  type PlannedWave,
  type Version,
} from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";

/** A fleet upgrade as it is stored, without its members. */
export interface StoredFleet {
  readonly id: string;
  readonly module: ModuleId;
  readonly version: Version;
  readonly options: FleetUpgradeOptions;
  readonly waves: readonly PlannedWave[];
  readonly state: FleetState;
  readonly evidence: FleetEvidence;
  /** Milliseconds since the epoch; null before it has begun. */
  readonly seenUntil: number | null;
  readonly startedAt: number | null;
  readonly scheduledAt: number;
}

export function newFleetId(): string {
  return `flt_${randomBytes(6).toString("hex")}`;
}

/** What the domain's machine needs to know. */
export function courseOf({ waves, options, scheduledAt }: StoredFleet): FleetCourse {
  return {
    waves,
    delayMs: options.delayBetweenBatches,
    limits: { inAll: options.maxFailures, perWave: options.maxFailuresPerWave },
    scheduledAt,
  };
}

/** Those that have not ended: one a module at most. */
export async function unfinishedFleets({ db }: ControlDatabase): Promise<string[]> {
  const rows = await db.selectFrom("fleet_upgrades").select("id").where("finished_at", "is", null).execute();
  return rows.map(({ id }) => id);
}

/**
 * Reads one. `update` keeps others from changing it until the transaction ends, and `skip` gives undefined when somebody
 * else does; `share` keeps its state as it is.
 */
export async function loadFleet(
  { db }: Pick<ControlTransaction, "db">,
  id: string,
  lock: "none" | "share" | "update" | "skip" = "none",
): Promise<StoredFleet | undefined> {
  const row = await db
    .selectFrom("fleet_upgrades")
    .selectAll()
    .where("id", "=", id)
    .$if(lock === "share", (query) => query.forShare())
    .$if(lock === "update" || lock === "skip", (query) => query.forNoKeyUpdate())
    .$if(lock === "skip", (query) => query.skipLocked())
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    id,
    module: row.module,
    version: row.version,
    options: row.options,
    waves: row.waves,
    state: row.state,
    evidence: row.evidence,
    seenUntil: row.seen_until?.getTime() ?? null,
    startedAt: row.started_at?.getTime() ?? null,
    scheduledAt: row.scheduled_at.getTime(),
  };
}

export async function insertFleet(
  { db }: ControlTransaction,
  fleet: Pick<StoredFleet, "id" | "module" | "version" | "options" | "state" | "scheduledAt">,
): Promise<void> {
  await db
    .insertInto("fleet_upgrades")
    .values({
      id: fleet.id,
      module: fleet.module,
      version: fleet.version,
      options: JSON.stringify(fleet.options),
      waves: "[]",
      state: JSON.stringify(fleet.state),
      evidence: JSON.stringify(NO_FLEET_EVIDENCE),
      seen_until: null,
      tenants: 0,
      scheduled_at: new Date(fleet.scheduledAt),
      started_at: null,
      finished_at: null,
    })
    .execute();
}

/** Stores where it is. The caller has it locked for update. */
export async function saveFleet({ db }: ControlTransaction, fleet: StoredFleet, now: number): Promise<void> {
  const { state } = fleet;
  await db
    .updateTable("fleet_upgrades")
    .set({
      state: JSON.stringify(state),
      evidence: JSON.stringify(fleet.evidence),
      seen_until: fleet.seenUntil === null ? null : new Date(fleet.seenUntil),
      started_at: fleet.startedAt === null ? null : new Date(fleet.startedAt),
      finished_at: isFinal(state.status) ? new Date(now) : null,
    })
    .where("id", "=", fleet.id)
    .execute();
}
