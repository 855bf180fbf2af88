import { sql } from "kysely";
import { MigrationCancelledError } from "@aibos/contract";
import type { ControlDatabase, ControlTransaction, Isolation } from "../../db/control-database.ts";
import type { MigrationFailure, OperationRequest, PlannedStep } from "../../db/control-tables.ts";
import { isLostConnection, isRepeatable } from "../../db/lost-connection.ts";
import { type FenceHolder, passFence } from "./fence.ts";
import type { StepKind, StepPlatform, StepRun } from "./migration-step.ts";
import { notifyMigration } from "./notify-migration.ts";
import { createPersist, retryDelay } from "./persist.ts";
import {
  beginStep,
  earlierStep,
  endStep,
  failStep,
  failureOf,
  haltAt,
  messageOf,
  noteStep,
  readDetail,
  readRecord,
  readWanted,
  type StepResult,
  writeDetail,
} from "./step-entries.ts";
import { openStepLog } from "./step-log.ts";
import { stepKind } from "./step-kinds.ts";

/** An execution of a migration: what it works on, and its place at the fence. */
export interface Execution extends FenceHolder {
  readonly schema: string;
  readonly role: string;
  readonly request: OperationRequest;
  readonly steps: readonly PlannedStep[];
}

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
  /** Waits first while the operation is paused. One that was cancelled fails with AIBOS_MIGRATION_CANCELLED. */
  run(execution: Execution, position: number, step: PlannedStep): Promise<StepResult>;
  /** Keeps an operation at its failed step until somebody decides. */
  halt(execution: Execution, position: number, failure: MigrationFailure): Promise<"resume" | "cancel">;
  undo(execution: Execution, position: number, step: PlannedStep): Promise<void>;
}

/** So often a paused operation looks whether it may go on. */
const PAUSE_POLL_MS = 500;
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
      log: openStepLog(database, migrationId, step.name),
      stopIfCancelled: async () => {
        if ((await readWanted(database.db, migrationId)) === "cancel") throw new MigrationCancelledError(migrationId);
      },
      earlier: (tx, name) => earlierStep(tx?.db ?? database.db, migrationId, name),
      fenced: (work, isolation) =>
        fenced(
          execution,
          async (tx) => {
            const noted = await readDetail(tx, migrationId, position);
            return work(tx, noted, (detail) => writeDetail(tx, migrationId, position, detail));
          },
          isolation,
        ),
    };
  }

  /**
   * Runs a step until its entry is settled. A database that went away, which may have committed before, is asked again
   * what the entry says; a deadlock is tried again a few times; everything else is the step's failure.
   */
  async function run(execution: Execution, position: number, step: PlannedStep): Promise<StepResult> {
    const context = runOf(execution, position, step);
    try {
      return await runIn(context, execution, position, step);
    } finally {
      await context.log.flush();
    }
  }

  async function runIn(
    context: StepRun<unknown>,
    execution: Execution,
    position: number,
    step: PlannedStep,
  ): Promise<StepResult> {
    const { migrationId } = execution;
    const kind = stepKind(step.name);
    let repeats = 0;
    for (let tries = 0; ; tries += 1) {
      const begun = await persist(migrationId, step.name, () =>
        fenced(execution, (tx) => beginStep(tx, execution, position, step)),
      );
      if (begun === "paused") {
        await whilePaused(migrationId);
        continue;
      }
      if (begun !== "running") return begun;
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

  async function whilePaused(migrationId: string): Promise<void> {
    for (;;) {
      const record = await persist(migrationId, "pause", () => readRecord(database.db, migrationId));
      if (record.status !== "paused" || record.wanted === "cancel") return;
      await sleep(PAUSE_POLL_MS);
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
      return entry?.detail;
    });
    // One that never began left nothing.
    if (recorded !== undefined) await kind.undoOutside?.(run, recorded);
    await run.log.flush();
  }

  return {
    run,

    async halt(execution, position, failure) {
      const { migrationId } = execution;
      await persist(migrationId, "halt", () => fenced(execution, (tx) => haltAt(tx, migrationId, position, failure)));
      await whilePaused(migrationId);
      const wanted = await persist(migrationId, "halt", () => readWanted(database.db, migrationId));
      return wanted === "cancel" ? "cancel" : "resume";
    },

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

function isFenced(error: unknown): boolean {
  return error instanceof Error && error.name === "FencedError";
}
