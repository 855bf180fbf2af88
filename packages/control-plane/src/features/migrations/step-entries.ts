import { type Kysely, sql } from "kysely";
import { MigrationCancelledError, type MigrationStatus } from "@aibos/contract";
import { DomainError } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables, MigrationFailure, PlannedStep } from "../../db/control-tables.ts";
import type { FenceHolder } from "./fence.ts";
import type { Detail, StepOutcome } from "./migration-step.ts";

export type StepResult = { readonly ok: true } | { readonly ok: false; readonly failure: MigrationFailure };

// The entries of the ledger and the record that they belong to, as SQL. Callers bring the fenced transaction.

/**
 * Enters a step as running; an entry that is settled already is its result. One that has not begun is where a pause or
 * a cancellation takes hold, whichever was asked for last.
 */
export async function beginStep(
  tx: ControlTransaction,
  execution: FenceHolder,
  position: number,
  step: PlannedStep,
): Promise<StepResult | "running" | "paused"> {
  const { migrationId } = execution;
  const { db } = tx;
  // Locked: whoever cancels sees whether a step that can't be undone has begun.
  const { wanted } = await db
    .selectFrom("migration_records")
    .select("wanted")
    .where("id", "=", migrationId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const entry = await db
    .selectFrom("migration_steps")
    .selectAll()
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .executeTakeFirst();
  if (entry === undefined) {
    if (wanted === "cancel") return { ok: false, failure: failureOf(step, new MigrationCancelledError(migrationId)) };
    if (wanted === "pause" && !(await holdsRequests(tx, execution))) {
      await db
        .updateTable("migration_records")
        .set({ status: "paused", wanted: null })
        .where("id", "=", migrationId)
        .execute();
      return "paused";
    }
    await db
      .insertInto("migration_steps")
      .values({ migration_id: migrationId, position, name: step.name, title: step.title, status: "running" })
      .execute();
    return "running";
  }
  if (entry.status === "succeeded") return { ok: true };
  if (entry.status === "failed") {
    const code = typeof entry.detail["code"] === "string" ? entry.detail["code"] : "AIBOS_INTERNAL";
    return { ok: false, failure: { step: step.name, code, message: entry.error ?? "" } };
  }
  return "running";
}

/** Whether requests wait for this operation, which must go on then. */
async function holdsRequests({ db }: ControlTransaction, { tenant, module }: FenceHolder): Promise<boolean> {
  const held = await db
    .selectFrom("route_holds")
    .select("tenant")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirst();
  return held !== undefined;
}

/** Pauses it, unless somebody has decided already: resuming takes the failed entry up again. */
export async function haltAt(
  { db }: ControlTransaction,
  migrationId: string,
  position: number,
  failure: MigrationFailure,
): Promise<void> {
  const entry = await db
    .selectFrom("migration_steps")
    .select("status")
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .executeTakeFirst();
  if (entry?.status !== "failed") return;
  await db
    .updateTable("migration_records")
    .set({ status: "paused", failure: JSON.stringify(failure), wanted: null })
    .where("id", "=", migrationId)
    .where((eb) => eb.or([eb("wanted", "is", null), eb("wanted", "<>", "cancel")]))
    .execute();
}

export async function readRecord(
  db: Kysely<ControlTables>,
  migrationId: string,
): Promise<{ status: MigrationStatus; wanted: "pause" | "cancel" | null }> {
  return db
    .selectFrom("migration_records")
    .select(["status", "wanted"])
    .where("id", "=", migrationId)
    .executeTakeFirstOrThrow();
}

export async function readWanted(db: Kysely<ControlTables>, migrationId: string): Promise<"pause" | "cancel" | null> {
  return (await readRecord(db, migrationId)).wanted;
}

export async function endStep(
  { db }: ControlTransaction,
  migrationId: string,
  position: number,
  outcome: StepOutcome,
): Promise<void> {
  await db
    .updateTable("migration_steps")
    .set({
      status: "succeeded",
      detail: JSON.stringify(outcome.detail ?? {}),
      checksum: outcome.checksum ?? null,
      finished_at: sql<Date>`clock_timestamp()`,
    })
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .execute();
}

export async function failStep(
  { db }: ControlTransaction,
  migrationId: string,
  position: number,
  failure: MigrationFailure,
): Promise<void> {
  await db
    .updateTable("migration_steps")
    .set({
      status: "failed",
      detail: JSON.stringify({ code: failure.code }),
      error: failure.message,
      finished_at: sql<Date>`clock_timestamp()`,
    })
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .execute();
}

export async function noteStep(
  { db }: ControlTransaction,
  migrationId: string,
  position: number,
  message: string,
): Promise<void> {
  await db
    .updateTable("migration_steps")
    .set({ error: message })
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .execute();
}

export async function readDetail({ db }: ControlTransaction, migrationId: string, position: number): Promise<Detail> {
  const entry = await db
    .selectFrom("migration_steps")
    .select("detail")
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .executeTakeFirst();
  return entry?.detail ?? {};
}

export async function writeDetail(
  { db }: ControlTransaction,
  migrationId: string,
  position: number,
  detail: Detail,
): Promise<void> {
  await db
    .updateTable("migration_steps")
    .set({ detail: JSON.stringify(detail) })
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .execute();
}

export async function earlierStep(
  db: Kysely<ControlTables>,
  migrationId: string,
  name: string,
): Promise<Detail | undefined> {
  const entry = await db
    .selectFrom("migration_steps")
    .select("detail")
    .where("migration_id", "=", migrationId)
    .where("name", "=", name)
    .where("status", "=", "succeeded")
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  return entry?.detail;
}

export function failureOf(step: PlannedStep, error: unknown): MigrationFailure {
  const code = error instanceof DomainError ? error.code : "AIBOS_INTERNAL";
  return { step: step.name, code, message: messageOf(error) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
