import { describeLimit, exceedsLimit, type FailureLimits } from "./failure-limit.ts";
import type { PlannedWave } from "./upgrade-waves.ts";

/**
 * The course of a fleet upgrade:
 *
 *   planned ─(its time)─▶ running ─(all settled)─▶ done
 *                          │   ▲
 *      failures, verdict   ▼   │ resume
 *                         halted ──rollback──▶ rolling-back ──▶ rolled-back
 *                          │                       ▲
 *                          ├──cancel──▶ cancelling ──▶ cancelled
 *      running, done, cancelled ──rollback────────┘      (rolled-back ──rollback──▶ tries what could not be taken back)
 *
 * - `running` goes through batches in their order. A batch ends when each of its tenants is settled or put off; after it
 *   comes the delay, after a wave's last one the soak. Tenants that were put off go when their time has come, whatever
 *   batch is at work.
 * - `halted` starts nothing; what runs ends. Failures up to a resume are forgiven: they count no more.
 * - `cancelling` starts nothing either, and is `cancelled` when what runs has ended.
 * - `rolling-back` waits for what runs, then takes back all that this fleet upgrade moved, the last one first.
 */
export interface FleetState {
  readonly status: FleetStatus;
  /** The batch at work, from 0. */
  readonly batch: number;
  /** Between batches: when the next one begins, in milliseconds since the epoch. */
  readonly pausedUntil: number | null;
  /** Failures that count no more, in the present wave and in all. */
  readonly forgiven: { readonly wave: number; readonly all: number };
  /** Whether writes may be lost when tenants are taken back. */
  readonly acceptDataLoss: boolean;
  /** Why it is where it is, for people. */
  readonly reason: string;
}

export const FLEET_STATUSES = [
  "planned",
  "running",
  "halted",
  "cancelling",
  "rolling-back",
  "done",
  "cancelled",
  "rolled-back",
] as const;
export type FleetStatus = (typeof FLEET_STATUSES)[number];

export type FleetCommand = "resume" | "rollback" | "cancel";

export interface FleetCourse {
  readonly waves: readonly PlannedWave[];
  readonly delayMs: number;
  readonly limits: FailureLimits;
  /** When it begins, in milliseconds since the epoch. */
  readonly scheduledAt: number;
}

/** How many tenants stand how, at a look. */
export interface FleetLook {
  /** Of the batch at work: not settled, and not put off. */
  readonly batchOpen: number;
  /** Of the wave at work. */
  readonly waveFailed: number;
  readonly waveTenants: number;
  readonly failed: number;
  readonly tenants: number;
  /** Being moved, or taken back, now. */
  readonly moving: number;
  /** Not settled: waiting, put off, or being moved. */
  readonly open: number;
  /** Moved by this fleet upgrade and not taken back yet, nor given up. */
  readonly toReturn: number;
  /** Could not be taken back. */
  readonly keptBack: number;
  /** Why measurements say that the version is worse; null: they don't. */
  readonly worse: string | null;
}

/** Statuses in which nothing more happens by itself or by `resume` and `cancel`. */
export function isFinal(status: FleetStatus): boolean {
  return status === "done" || status === "cancelled" || status === "rolled-back";
}

export function waveOf({ waves }: Pick<FleetCourse, "waves">, batch: number): PlannedWave | undefined {
  return waves.find(({ lastBatch }) => batch <= lastBatch) ?? waves.at(-1);
}

/** Where a fleet upgrade is after a look. */
export function moveFleet(state: FleetState, course: FleetCourse, look: FleetLook, now: number): FleetState {
  switch (state.status) {
    case "planned":
      return now < course.scheduledAt ? state : { ...state, status: "running", reason: describeWave(course, 0) };
    case "running":
      return runOn(state, course, look, now);
    case "cancelling":
      return look.moving > 0 ? state : { ...state, status: "cancelled", reason: "Cancelled. What was moved stays." };
    case "rolling-back":
      return look.moving > 0 || look.toReturn > 0
        ? state
        : { ...state, status: "rolled-back", reason: "All that could be taken back was." };
    case "halted":
    case "done":
    case "cancelled":
    case "rolled-back":
      return state;
  }
}

/** Where a command leads; undefined where it means nothing. */
export function commandFleet(state: FleetState, command: FleetCommand, look: FleetLook): FleetState | undefined {
  const { status } = state;
  switch (command) {
    case "resume": {
      if (status !== "halted") return undefined;
      const forgiven = { wave: look.waveFailed, all: look.failed };
      return {
        ...state,
        status: "running",
        forgiven,
        reason: "Goes on, as was asked. Failures until now count no more.",
      };
    }
    case "cancel":
      if (status !== "planned" && status !== "running" && status !== "halted") return undefined;
      return { ...state, status: "cancelling", pausedUntil: null, reason: "To be cancelled when what runs has ended." };
    case "rollback":
      if (status === "planned" || status === "rolling-back") return undefined;
      if (status === "rolled-back" && look.keptBack === 0) return undefined;
      return {
        ...state,
        status: "rolling-back",
        pausedUntil: null,
        reason: "All that this fleet upgrade moved is taken back, the last one first.",
      };
  }
}

function runOn(state: FleetState, course: FleetCourse, look: FleetLook, now: number): FleetState {
  const halt = whyHalt(state, course, look);
  if (halt !== undefined) return { ...state, status: "halted", pausedUntil: null, reason: halt };
  if (look.open === 0) return { ...state, status: "done", pausedUntil: null, reason: "Every tenant is settled." };
  if (state.pausedUntil !== null) return now < state.pausedUntil ? state : nextBatch(state, course);
  const last = course.waves.at(-1)?.lastBatch ?? 0;
  if (look.batchOpen > 0 || state.batch >= last) return state;
  const wave = waveOf(course, state.batch);
  const soaks = wave !== undefined && state.batch === wave.lastBatch && wave.soakSeconds > 0;
  const pause = soaks ? wave.soakSeconds * 1_000 : course.delayMs;
  if (pause === 0) return nextBatch(state, course);
  const reason = soaks ? `Watches what wave "${wave.name}" moved.` : `Waits between batches.`;
  return { ...state, pausedUntil: now + pause, reason };
}

function nextBatch(state: FleetState, course: FleetCourse): FleetState {
  const batch = state.batch + 1;
  const begins = course.waves.some(({ firstBatch }) => firstBatch === batch);
  return {
    ...state,
    batch,
    pausedUntil: null,
    forgiven: begins ? { ...state.forgiven, wave: 0 } : state.forgiven,
    reason: describeWave(course, batch),
  };
}

function whyHalt({ forgiven }: FleetState, { limits }: FleetCourse, look: FleetLook): string | undefined {
  const [inWave, inAll] = [look.waveFailed - forgiven.wave, look.failed - forgiven.all];
  if (limits.perWave !== undefined && exceedsLimit(limits.perWave, inWave, look.waveTenants)) {
    return `Halted: ${inWave} failed in this wave, and ${describeLimit(limits.perWave, look.waveTenants)} may.`;
  }
  if (limits.inAll !== undefined && exceedsLimit(limits.inAll, inAll, look.tenants)) {
    return `Halted: ${inAll} failed, and ${describeLimit(limits.inAll, look.tenants)} may.`;
  }
  return look.worse === null ? undefined : `Halted: ${look.worse}`;
}

function describeWave(course: FleetCourse, batch: number): string {
  const wave = waveOf(course, batch);
  if (wave === undefined) return "There is nobody to move.";
  const last = course.waves.at(-1)?.lastBatch ?? 0;
  return `Moves wave "${wave.name}", batch ${batch + 1} of ${last + 1}.`;
}
