import { type Kysely, sql } from "kysely";
import { DomainError } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction, Isolation } from "../../db/control-database.ts";
import type { ControlTables, MigrationFailure, OperationRequest, PlannedStep } from "../../db/control-tables.ts";
import { isLostConnection, isRepeatable } from "../../db/lost-connection.ts";
import { type FenceHolder, passFence } from "./fence.ts";
import type { Detail, StepKind, StepOutcome, StepPlatform, StepRun } from "./migration-step.ts";
import { notifyMigration } from "./notify-migration.ts";
import { createPersist, retryDelay } from "./persist.ts";
import { stepKind } from "./step-kinds.ts";

/** An execution of a migration: what it works on, and its place at the fence. */
export interface Execution extends FenceHolder {
  readonly schema: string;
  readonly role: string;
  readonly request: OperationRequest;
  readonly steps: readonly PlannedStep[];
}

export type StepResult = { readonly ok: true } | { readonly ok: false; readonly failure: MigrationFailure };

/**
 * The ledger of a migration's steps. Each step's entry goes
 *
 *   (none) ──▶ running ──▶ succeeded ──▶ undone
 *                 │
 *                 ▼
 *               failed
 *
 * and each arrow is one fenced transaction; what the step does inside is part of the one that leads to `succeeded` or
 * `undone`. A step that is run again after a kill finds what the ledger says and goes on from there.
 */
export interface MigrationLedger {
  run(execution: Execution, position: number, step: PlannedStep): Promise<StepResult>;
  undo(execution: Execution, position: number, step: PlannedStep): Promise<void>;
}

/** A deadlock or serialisation failure is tried again so many times. */
const REPEATS = 5;

export function createMigrationLedger(options: {
  database: ControlDatabase;
  platform: StepPlatform;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Hears why something has to be tried again. */
  troubled: (migrationId: string, step: string, error: unknown) => void;
}): MigrationLedger {
  const { database, platform, sleep, troubled } = options;
  const persist = createPersist(options);

  function fenced<T>(
    execution: Execution,
    work: (tx: ControlTransaction) => Promise<T>,
    isolation?: Isolation,
  ): Promise<T> {
    return database.transaction(async (tx) => {
      await passFence(tx, execution);
      const result = await work(tx);
      await notifyMigration(tx, execution.migrationId);
      return result;
    }, isolation);
  }

  function runOf(execution: Execution, position: number, step: PlannedStep): StepRun<unknown> {
    const { migrationId, tenant, module, schema, role, request } = execution;
    return {
      migrationId,
      tenant,
      module,
      schema,
      role,
      request,
      platform,
      with: step.with,
      earlier: (tx, name) => earlierStep(tx?.db ?? database.db, migrationId, name),
      fenced: (work) =>
        fenced(execution, async (tx) => {
          const noted = await readDetail(tx, migrationId, position);
          return work(tx, noted, (detail) => writeDetail(tx, migrationId, position, detail));
        }),
    };
  }

  /**
   * Runs a step until its entry is settled. A database that went away, which may have committed before, is asked again
   * what the entry says; a deadlock is tried again a few times; everything else is the step's failure.
   */
  async function run(execution: Execution, position: number, step: PlannedStep): Promise<StepResult> {
    const { migrationId } = execution;
    const kind = stepKind(step.name);
    const context = runOf(execution, position, step);
    let repeats = 0;
    for (let tries = 0; ; tries += 1) {
      const settled = await persist(migrationId, step.name, () =>
        fenced(execution, (tx) => beginStep(tx, migrationId, position, step)),
      );
      if (settled !== undefined) return settled;
      try {
        const found = (await kind.outside?.(context)) ?? {};
        await fenced(
          execution,
          async (tx) => {
            const outcome = (await kind.inside?.(tx, context, found)) ?? { detail: found };
            await endStep(tx, migrationId, position, outcome);
          },
          kind.isolation,
        );
        return { ok: true };
      } catch (error) {
        if (isFenced(error)) throw error;
        if (isRepeatable(error)) repeats += 1;
        if (await mustEnd(kind, context)) {
          troubled(migrationId, step.name, error);
          await sleep(retryDelay(tries));
          continue;
        }
        if (!isLostConnection(error) && (!isRepeatable(error) || repeats > REPEATS)) {
          const failure = failureOf(step, error);
          await persist(migrationId, step.name, () =>
            fenced(execution, (tx) => failStep(tx, migrationId, position, failure)),
          );
          return { ok: false, failure };
        }
        troubled(migrationId, step.name, error);
        await sleep(retryDelay(tries));
      }
    }
  }

  /** Who can't tell whether it has happened asks again. */
  async function mustEnd(kind: StepKind<unknown>, run: StepRun<unknown>): Promise<boolean> {
    if (kind.hasHappened === undefined) return false;
    return kind.hasHappened(run).catch(() => true);
  }

  async function attemptUndo(execution: Execution, position: number, step: PlannedStep): Promise<void> {
    const kind: StepKind<unknown> = stepKind(step.name);
    const run = runOf(execution, position, step);
    const recorded = await fenced(execution, async (tx) => {
      const entry = await tx.db
        .selectFrom("migration_steps")
        .select(["status", "detail"])
        .where("migration_id", "=", execution.migrationId)
        .where("position", "=", position)
        .executeTakeFirst();
      if (entry?.status === "succeeded") {
        await kind.undoInside?.(tx, run, entry.detail);
        await tx.db
          .updateTable("migration_steps")
          .set({ status: "undone", error: null, finished_at: sql<Date>`clock_timestamp()` })
          .where("migration_id", "=", execution.migrationId)
          .where("position", "=", position)
          .execute();
      }
      return entry?.detail ?? {};
    });
    await kind.undoOutside?.(run, recorded);
  }

  return {
    run,

    // Half an undo would leave a tenant between two versions, so it goes on until it is done; requests stay held.
    async undo(execution, position, step) {
      const { migrationId } = execution;
      for (let tries = 0; ; tries += 1) {
        try {
          return await attemptUndo(execution, position, step);
        } catch (error) {
          if (isFenced(error)) throw error;
          troubled(migrationId, step.name, error);
          const message = `It could not be undone yet and is tried again: ${messageOf(error)}`;
          await persist(migrationId, step.name, () =>
            fenced(execution, (tx) => noteStep(tx, migrationId, position, message)),
          );
          await sleep(retryDelay(tries));
        }
      }
    },
  };
}

/** Enters a step as running; an entry that is settled already is its result. */
async function beginStep(
  { db }: ControlTransaction,
  migrationId: string,
  position: number,
  step: PlannedStep,
): Promise<StepResult | undefined> {
  const entry = await db
    .selectFrom("migration_steps")
    .selectAll()
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .executeTakeFirst();
  if (entry === undefined) {
    await db
      .insertInto("migration_steps")
      .values({ migration_id: migrationId, position, name: step.name, title: step.title, status: "running" })
      .execute();
    return undefined;
  }
  if (entry.status === "succeeded") return { ok: true };
  if (entry.status === "failed") {
    const code = typeof entry.detail["code"] === "string" ? entry.detail["code"] : "AIBOS_INTERNAL";
    return { ok: false, failure: { step: step.name, code, message: entry.error ?? "" } };
  }
  return undefined;
}

async function endStep(
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

async function failStep(
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

async function noteStep(
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

async function readDetail({ db }: ControlTransaction, migrationId: string, position: number): Promise<Detail> {
  const entry = await db
    .selectFrom("migration_steps")
    .select("detail")
    .where("migration_id", "=", migrationId)
    .where("position", "=", position)
    .executeTakeFirst();
  return entry?.detail ?? {};
}

async function writeDetail(
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

async function earlierStep(db: Kysely<ControlTables>, migrationId: string, name: string): Promise<Detail | undefined> {
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

function isFenced(error: unknown): boolean {
  return error instanceof Error && error.name === "FencedError";
}

function failureOf(step: PlannedStep, error: unknown): MigrationFailure {
  const code = error instanceof DomainError ? error.code : "AIBOS_INTERNAL";
  return { step: step.name, code, message: messageOf(error) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
