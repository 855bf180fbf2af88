import { DBOS } from "@dbos-inc/dbos-sdk";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { MigrationFailure, PlannedStep } from "../../db/control-tables.ts";
import { FencedError } from "./fence.ts";
import type { Execution, MigrationLedger } from "./migration-ledger.ts";
import type { OperationEnd } from "./end-record.ts";
import type { OperationStore } from "./operation-store.ts";
import { createPersist } from "./persist.ts";
import type { StepResult } from "./step-entries.ts";
import { planSalvage } from "./plans/salvage-plan.ts";
import { observe } from "./steps/observe.ts";

const BUSY_POLL_MS = 1_000;
/** A freeze may end before its time. */
const FROZEN_POLL_MS = 10_000;
/** A workflow that DBOS gave up is started anew under another name, so many times. */
const RESTARTS = 100;

/** Starts operations and takes up those that ended processes left. */
export interface MigrationWorkflow {
  start(migrationId: string): Promise<void>;
  /** Continues what ended processes were at, and starts what was entered but never started. */
  takeOver(endedExecutors: readonly string[]): Promise<void>;
}

/**
 * One operation from its first step to its end:
 *
 *   (scheduled) ─▶ steps in order ─▶ succeeded
 *                       │ a step fails, or somebody cancels
 *                       ├──▶ undone in reverse ─▶ rolled-back, or cancelled
 *                       │ rollbackOnFailure: false
 *                       ├──▶ paused at the step, until it is resumed (and tried again) or cancelled (and undone)
 *                       │ the same where requests are held, and a release was reached
 *                       └──▶ arrives at that release ─▶ failed     (undone after all when even that fails)
 *
 * DBOS remembers which steps have returned, the ledger what they did. Whoever lost its place at the fence neither
 * returns nor throws, so that DBOS records nothing in its name: the execution that took over does.
 *
 * Registers the workflow with DBOS, whose registry is one for the process: call it once, before `DBOS.launch`.
 */
export function createMigrationWorkflow(options: {
  store: OperationStore;
  ledger: MigrationLedger;
  /** Drops copies that are not to be kept, after an operation. */
  tidy: (pair: { tenant: TenantId; module: ModuleId }) => Promise<void>;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Hears why something has to be tried again. */
  troubled: (migrationId: string, what: string, error: unknown) => void;
}): MigrationWorkflow {
  const { store, ledger, tidy, now, sleep, troubled } = options;

  const persist = createPersist(options);

  async function claim(migrationId: string): Promise<Execution | undefined> {
    for (;;) {
      const claimed = await persist(migrationId, "claim", () => store.claim(migrationId));
      if (claimed.kind === "claimed") return claimed.execution;
      if (claimed.kind === "ended") return undefined;
      await sleep(claimed.kind === "frozen" ? FROZEN_POLL_MS : BUSY_POLL_MS);
    }
  }

  function checkpoint<T>(name: string, work: () => Promise<T>): Promise<T> {
    return DBOS.runStep(
      async () => {
        try {
          return await work();
        } catch (error) {
          if (error instanceof FencedError) return await NEVER;
          throw error;
        }
      },
      { name },
    );
  }

  async function runSteps(
    execution: Execution,
    first: number,
    steps: readonly PlannedStep[],
  ): Promise<{ done: number; result: StepResult }> {
    for (const [index, step] of steps.entries()) {
      const position = first + index;
      const result = await checkpoint(`${position} ${step.name}`, () => ledger.run(execution, position, step));
      if (!result.ok) return { done: index, result };
    }
    return { done: steps.length, result: { ok: true } };
  }

  async function undoSteps(execution: Execution, first: number, steps: readonly PlannedStep[]): Promise<void> {
    for (const [index, step] of [...steps.entries()].toReversed()) {
      const position = first + index;
      await checkpoint(`undo ${position} ${step.name}`, () => ledger.undo(execution, position, step));
    }
  }

  async function execute(execution: Execution): Promise<OperationEnd> {
    const { steps } = execution;
    let done = 0;
    for (;;) {
      const ran = await runSteps(execution, done, steps.slice(done));
      done += ran.done;
      if (ran.result.ok) return { status: "succeeded", failure: null };
      const { failure } = ran.result;
      const next = afterFailure(execution, done, failure);
      if (next === "stay") return { status: "failed", failure: { ...failure, message: failure.message + STAYS } };
      if (next === "halt") {
        const decided = await checkpoint("halt", () => ledger.halt(execution, done, failure));
        if (decided === "resume") continue;
      }
      if (typeof next === "object") {
        const saved = await runSteps(execution, steps.length, next.salvage);
        if (saved.result.ok) return { status: "failed", failure };
        await undoSteps(execution, steps.length, next.salvage.slice(0, saved.done + 1));
      }
      // The one that failed, too: what it did outside its transaction may be there.
      await undoSteps(execution, 0, steps.slice(0, done + 1));
      const cancelled = next === "halt" || failure.code === "AIBOS_MIGRATION_CANCELLED";
      return { status: cancelled ? "cancelled" : "rolled-back", failure };
    }
  }

  const workflow = DBOS.registerWorkflow(
    async (migrationId: string): Promise<void> => {
      const dueAt = await persist(migrationId, "schedule", () => store.dueAt(migrationId));
      if (dueAt !== undefined) await DBOS.sleep(Math.max(0, dueAt - now()));
      // Not a DBOS step on purpose: each execution must take the fence anew.
      const execution = await claim(migrationId);
      if (execution === undefined) return;
      const end = await execute(execution);
      const next = await checkpoint("finish", () => persist(migrationId, "finish", () => store.finish(execution, end)));
      await tidy(execution).catch((error: unknown) => troubled(migrationId, "tidy", error));
      if (next !== undefined) await DBOS.startWorkflow(workflow, { workflowID: next })(next);
    },
    { name: "migration" },
  );

  async function start(migrationId: string): Promise<void> {
    await DBOS.startWorkflow(workflow, { workflowID: migrationId })(migrationId);
  }

  /** Starts an unfinished operation's workflow unless one is under way. The fence shuts out whoever had it before. */
  async function restart(migrationId: string): Promise<void> {
    const names = [migrationId, ...Array.from({ length: RESTARTS }, (_, index) => `${migrationId}.${index + 1}`)];
    const known = await DBOS.listWorkflows({ workflowIDs: names, loadInput: false, loadOutput: false });
    if (known.some(({ status }) => UNDER_WAY.has(status))) return;
    const name = names[known.length];
    if (name !== undefined) await DBOS.startWorkflow(workflow, { workflowID: name })(migrationId);
  }

  return {
    start,
    async takeOver(endedExecutors) {
      if (endedExecutors.length > 0) {
        const left = await DBOS.listWorkflows({ status: "PENDING", executorId: [...endedExecutors] });
        if (left.length > 0) await DBOS.resumeWorkflows(left.map((status) => status.workflowID));
      }
      const unfinished = await store.unfinished();
      if (unfinished.length === 0) return;
      const known = await DBOS.listWorkflows({ workflowIDs: unfinished, loadInput: false, loadOutput: false });
      const underWay = new Set(known.filter(({ status }) => UNDER_WAY.has(status)).map(({ workflowID }) => workflowID));
      for (const id of unfinished) if (!underWay.has(id)) await restart(id);
    },
  };
}

const STAYS =
  ' The tenant stays on it, since users have written there; "aibos-versions rollback-tenant" counts what going back would lose.';

/** What to do when a step failed. */
function afterFailure(
  { request, steps }: Execution,
  done: number,
  failure: MigrationFailure,
): "undo" | "stay" | "halt" | { salvage: PlannedStep[] } {
  const held = steps.some((step) => step.name === "hold");
  // Requests went on after the hold: what users wrote since would be lost with the copy of before.
  if (steps[done]?.name === observe.name && held) return "stay";
  if (request.kind !== "migrate" || request.rollbackOnFailure || failure.code === "AIBOS_MIGRATION_CANCELLED") {
    return "undo";
  }
  if (!held) return "halt";
  const salvage = planSalvage(steps, done);
  return salvage === undefined ? "undo" : { salvage };
}

const UNDER_WAY: ReadonlySet<string> = new Set(["PENDING", "ENQUEUED", "DELAYED"]);

// Nothing may be recorded in the name of an execution that was shut out, neither a result nor a failure.
const NEVER = new Promise<never>(() => undefined);
