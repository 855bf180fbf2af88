import {
  MigrationNotCancellableError,
  MigrationNotFoundError,
  MigrationNotPausableError,
  MigrationNotPausedError,
  type MigrationStatus,
} from "@aibos/contract";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { endRecord } from "./end-record.ts";
import { notifyMigration } from "./notify-migration.ts";
import { stepKind } from "./step-kinds.ts";

/** What people ask of operations that were started. */
export interface OperationControls {
  /**
   * Ends an operation that waits for its time, and has one that runs put back what it did.
   *
   * @throws MigrationNotFoundError, MigrationNotCancellableError
   */
  cancel(migrationId: string): Promise<void>;
  /** Has it stop before its next step. @throws MigrationNotFoundError, MigrationNotPausableError */
  pause(migrationId: string): Promise<void>;
  /** Has it go on, from its failed step where it has one. @throws MigrationNotFoundError, MigrationNotPausedError */
  resume(migrationId: string): Promise<void>;
}

export function createOperationControls(database: ControlDatabase): OperationControls {
  return {
    cancel: (migrationId) =>
      database.transaction(async (tx) => {
        const { status } = await lockRecord(tx, migrationId);
        if (status === "scheduled") return endRecord(tx, migrationId, { status: "cancelled", failure: null }, {});
        if (status !== "running" && status !== "paused") {
          throw new MigrationNotCancellableError(migrationId, status, null);
        }
        const oneWay = await irreversibleStep(tx, migrationId);
        if (oneWay !== undefined) throw new MigrationNotCancellableError(migrationId, status, oneWay);
        return setAsked(tx, migrationId, { status: "running", wanted: "cancel" });
      }),

    pause: (migrationId) =>
      database.transaction(async (tx) => {
        const { status, wanted } = await lockRecord(tx, migrationId);
        if (status !== "running" || wanted === "cancel") throw new MigrationNotPausableError(migrationId, status);
        await setAsked(tx, migrationId, { status, wanted: "pause" });
      }),

    resume: (migrationId) =>
      database.transaction(async (tx) => {
        const { status, wanted } = await lockRecord(tx, migrationId);
        // One that was asked to pause, and has not come to that yet, goes on, too.
        if (status !== "paused" && wanted !== "pause") throw new MigrationNotPausedError(migrationId, status);
        await tx.db
          .updateTable("migration_steps")
          .set({ status: "running", error: null, detail: "{}", finished_at: null })
          .where("migration_id", "=", migrationId)
          .where("status", "=", "failed")
          .execute();
        await setAsked(tx, migrationId, { status: "running", wanted: null, failure: null });
      }),
  };
}

/**
 * Not behind the tenant's fence, which a step may hold for long: whoever takes an operation up, or begins a step of it,
 * locks its record.
 *
 * @throws MigrationNotFoundError
 */
async function lockRecord({ db }: ControlTransaction, migrationId: string) {
  const record = await db
    .selectFrom("migration_records")
    .select(["status", "wanted"])
    .where("id", "=", migrationId)
    .forUpdate()
    .executeTakeFirst();
  if (record === undefined) throw new MigrationNotFoundError(migrationId);
  return record;
}

async function setAsked(
  tx: ControlTransaction,
  migrationId: string,
  asked: { status: MigrationStatus; wanted: "pause" | "cancel" | null; failure?: null },
): Promise<void> {
  await tx.db.updateTable("migration_records").set(asked).where("id", "=", migrationId).execute();
  await notifyMigration(tx, migrationId);
}

/**
 * The step of an operation that can't be undone, once it has begun. One that ends a hold is such a step, too: from then
 * on users write what going back to the copy of before would lose.
 */
async function irreversibleStep({ db }: ControlTransaction, migrationId: string): Promise<string | undefined> {
  const { plan } = await db
    .selectFrom("migration_records")
    .select("plan")
    .where("id", "=", migrationId)
    .executeTakeFirstOrThrow();
  const begun = await db
    .selectFrom("migration_steps")
    .select(["name", "position"])
    .where("migration_id", "=", migrationId)
    .where("status", "in", ["running", "succeeded"])
    .execute();
  // What follows the plan arrives, after a failure, at a release that was reached: its switch ends the hold.
  const endsHold = ({ name, position }: { name: string; position: number }): boolean =>
    name === "route" && plan[position]?.with["release"] !== false;
  return begun.find((step) => stepKind(step.name).hasHappened !== undefined || endsHold(step))?.name;
}
