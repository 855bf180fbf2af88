import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { type RolloutPolicy, rolloutPolicySchema } from "@aibos/contract";
import {
  type Judgement,
  type ModuleId,
  NO_EVIDENCE,
  type RolloutEvidence,
  type RolloutState,
  type TenantId,
  type Version,
} from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { StoredRolledFlag } from "../../db/flag-tables.ts";

/** What users are moved between: two live versions, or a flag's variant and what they have without it. */
export type RolloutSubject =
  | { readonly flag: null; readonly oldVersion: Version; readonly newVersion: Version }
  | { readonly flag: StoredRolledFlag; readonly oldVersion: null; readonly newVersion: null };

/** A rollout as it is stored. */
export type StoredRollout = RolloutProgress & RolloutSubject;
export type VersionRollout = RolloutProgress & Extract<RolloutSubject, { flag: null }>;
export type FlagRolloutOfUsers = RolloutProgress & Exclude<RolloutSubject, { flag: null }>;

/** What a flag's rollout has in place of tenants: it is for all of them together. */
export const EVERYBODY = "everybody" as TenantId;

interface RolloutProgress {
  readonly id: string;
  readonly module: ModuleId;
  readonly policy: RolloutPolicy;
  readonly state: RolloutState;
  readonly evidence: RolloutEvidence;
  /** In 1/10,000. */
  readonly weight: number;
  /** Milliseconds since the epoch. */
  readonly seenUntil: number;
  readonly looks: number;
  /** Those whose traffic it shares. */
  readonly tenants: readonly TenantId[];
  /** Those whose traffic must still be returned. */
  readonly returning: readonly TenantId[];
}

/** Somebody else changed the rollout meanwhile. */
export class RolloutChangedError extends Error {
  override readonly name = "RolloutChangedError";
}

/** So long whoever looks at a rollout has it for itself. */
const LEASE_SECONDS = 10;

/** Takes the rollouts that are due, so that no other process looks at them for a few seconds. */
export async function takeDueRollouts({ db }: ControlDatabase, at: Date, most: number): Promise<string[]> {
  const due = db
    .selectFrom("rollouts as r")
    .select("r.id")
    .where("r.next_look_at", "<=", at)
    .where((eb) =>
      eb.or([
        eb("r.finished_at", "is", null),
        eb.exists(
          eb
            .selectFrom("rollout_tenants as t")
            .select("t.tenant")
            .whereRef("t.rollout_id", "=", "r.id")
            .where("t.status", "=", "returning"),
        ),
      ]),
    )
    .orderBy("r.next_look_at")
    .limit(most)
    .forUpdate()
    .skipLocked();
  const rows = await db
    .updateTable("rollouts")
    .set({ next_look_at: new Date(at.getTime() + LEASE_SECONDS * 1_000) })
    .where("id", "in", due)
    .returning("id")
    .execute();
  return rows.map(({ id }) => id);
}

/** Lets others look at a rollout from a time on. */
export async function releaseRollout({ db }: ControlDatabase, id: string, nextLook: Date): Promise<void> {
  await db.updateTable("rollouts").set({ next_look_at: nextLook }).where("id", "=", id).execute();
}

export async function loadRollout(
  db: ControlTransaction["db"],
  id: string,
  options: { lock: boolean } = { lock: false },
): Promise<StoredRollout | undefined> {
  const row = await db
    .selectFrom("rollouts")
    .selectAll()
    .where("id", "=", id)
    .$if(options.lock, (query) => query.forUpdate())
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const tenants = await db
    .selectFrom("rollout_tenants")
    .select(["tenant", "status"])
    .where("rollout_id", "=", id)
    .orderBy("tenant")
    .execute();
  const having = (status: string): TenantId[] =>
    tenants.filter((tenant) => tenant.status === status).map(({ tenant }) => tenant);
  return {
    id,
    module: row.module,
    ...subjectOf(row),
    // One that an older control plane stored lacks what came later.
    policy: rolloutPolicySchema.parse(row.policy),
    state: row.state,
    evidence: { ...NO_EVIDENCE, ...row.evidence },
    weight: row.weight,
    seenUntil: row.seen_until.getTime(),
    looks: row.looks,
    tenants: row.flag === null ? having("running") : [EVERYBODY],
    returning: having("returning"),
  };
}

function subjectOf(row: {
  old_version: Version | null;
  new_version: Version | null;
  flag: StoredRolledFlag | null;
}): RolloutSubject {
  const { flag, old_version: oldVersion, new_version: newVersion } = row;
  if (flag !== null) return { flag, oldVersion: null, newVersion: null };
  if (oldVersion === null || newVersion === null) throw new RangeError("The rollout is of nothing.");
  return { flag, oldVersion, newVersion };
}

export async function insertRollout(
  { db }: ControlTransaction,
  rollout: Pick<RolloutProgress, "module" | "policy" | "state" | "evidence" | "tenants"> & RolloutSubject,
): Promise<string> {
  const id = `ro_${randomBytes(6).toString("hex")}`;
  const { module } = rollout;
  await db
    .insertInto("rollouts")
    .values({
      id,
      module,
      old_version: rollout.oldVersion,
      new_version: rollout.newVersion,
      flag: rollout.flag === null ? null : JSON.stringify(rollout.flag),
      policy: JSON.stringify(rollout.policy),
      state: JSON.stringify(rollout.state),
      evidence: JSON.stringify(rollout.evidence),
      seen_until: new Date(rollout.state.since),
      next_look_at: new Date(rollout.state.since),
      finished_at: null,
    })
    .execute();
  if (rollout.flag !== null) return id;
  await db
    .insertInto("rollout_tenants")
    .values(rollout.tenants.map((tenant) => ({ rollout_id: id, tenant, module, reason: null })))
    .execute();
  return id;
}

/** Stores what a look or a command changed. @throws RolloutChangedError when it was made from an older state */
export async function saveRollout({ db }: ControlTransaction, rollout: StoredRollout): Promise<void> {
  const { state } = rollout;
  const saved = await db
    .updateTable("rollouts")
    .set({
      state: JSON.stringify(state),
      evidence: JSON.stringify(rollout.evidence),
      weight: rollout.weight,
      seen_until: new Date(rollout.seenUntil),
      looks: rollout.looks + 1,
      finished_at: state.outcome === null ? null : new Date(state.since),
    })
    .where("id", "=", rollout.id)
    .where("looks", "=", rollout.looks)
    .executeTakeFirst();
  if (saved.numUpdatedRows !== 1n) throw new RolloutChangedError(`${rollout.id} was changed meanwhile.`);
}

export async function setTenantStatus(
  { db }: ControlTransaction,
  id: string,
  tenants: readonly TenantId[],
  status: "promoted" | "returned" | "returning",
  reason: string,
): Promise<void> {
  if (tenants.length === 0) return;
  await db
    .updateTable("rollout_tenants")
    .set({ status, reason, changed_at: sql<Date>`clock_timestamp()` })
    .where("rollout_id", "=", id)
    .where("tenant", "in", [...tenants])
    .execute();
}

export async function insertVerdict(
  { db }: ControlTransaction,
  rollout: StoredRollout,
  at: Date,
  judgement: Judgement,
): Promise<void> {
  await db
    .insertInto("rollout_verdicts")
    .values({
      rollout_id: rollout.id,
      at,
      step: rollout.state.step,
      verdict: judgement.verdict,
      judgement: JSON.stringify(judgement),
    })
    .execute();
}
