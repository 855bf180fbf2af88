import type { Verdict } from "./verdict.ts";

/**
 * The course of a rollout:
 *
 *   gate 0 ─▶ watch 0 ─▶ gate 1 ─▶ watch 1 ─▶ … ─▶ gate n ─▶ promoted
 *     │          │
 *     └──────────┴─ fail ─▶ rolled-back          abort, from everywhere ─▶ aborted
 *
 * - `gate k` waits, with the share of the step before, until all gates of step k are open; then the new version gets
 *   the step's share and `watch k` begins. Step n is the promotion: all requests.
 * - `watch k` ends when its time is over and so many looks in a row have passed (hysteresis: one good look after a bad
 *   one is not enough). A look that found nothing new changes nothing.
 * - A failing look returns all requests to the old version from any phase, also while paused or at a gate; with
 *   `onFailure: "hold"` the rollout is paused where it is instead.
 * - `pause` keeps the share and stops the clock of the step; `resume` goes on. `approve` opens the manual gate, `step`
 *   passes over the rest of the phase, `promote` over everything. An ended rollout never changes.
 */
export interface RolloutState {
  readonly phase: "gate" | "watch" | "ended";
  /** From 0; the number of steps for the promotion. */
  readonly step: number;
  /** When the phase began, in milliseconds since the epoch, without the time in which it was paused. */
  readonly since: number;
  /** Looks in a row that passed. */
  readonly passes: number;
  /** Whether somebody approved this step. */
  readonly approved: boolean;
  readonly pausedAt: number | null;
  readonly outcome: "promoted" | "rolled-back" | "aborted" | null;
  /** Why it is where it is, for people. */
  readonly reason: string;
}

export interface RolloutCourse {
  readonly steps: readonly CourseStep[];
  /** Looks in a row that must have passed before a step ends. */
  readonly passes: number;
  readonly onFailure: "rollback" | "hold";
  readonly onInconclusive: "hold" | "advance";
  readonly onNoTraffic: "hold" | "advance";
}

export interface CourseStep {
  /** Percent of users for the new version. */
  readonly weight: number;
  readonly holdMs: number;
}

/** What is known at a look. */
export interface RolloutLook {
  /** Null when nothing was measured since the look before. */
  readonly verdict: Verdict | null;
  /** The verdict's sentence. */
  readonly sentence: string;
  /** Why each gate of the step that is waited for is shut; none: all are open. */
  readonly shutGates: readonly string[];
}

/** What is to be done now, in the transaction that stores the state. */
export type RolloutAction =
  | { readonly kind: "none" }
  | { readonly kind: "share"; readonly weight: number; readonly beginsStep: boolean }
  | { readonly kind: "return" };

export interface RolloutMove {
  readonly state: RolloutState;
  readonly action: RolloutAction;
}

export type RolloutCommand = "pause" | "resume" | "approve" | "step" | "promote" | "abort";

const NONE: RolloutAction = { kind: "none" };

/**
 * A rollout that begins at the first step with more than the share that the new version has already, in percent: nobody
 * who is on it goes back.
 */
export function beginRollout(course: RolloutCourse, share: number, now: number): RolloutState {
  const step = course.steps.findIndex(({ weight }) => weight > share);
  return {
    phase: "gate",
    step: step === -1 ? course.steps.length : step,
    since: now,
    passes: 0,
    approved: false,
    pausedAt: null,
    outcome: null,
    reason: "The rollout begins.",
  };
}

/** What follows from a look. */
export function moveRollout(state: RolloutState, course: RolloutCourse, look: RolloutLook, now: number): RolloutMove {
  if (state.phase === "ended") return { state, action: NONE };
  if (look.verdict === "fail") {
    if (course.onFailure === "rollback") return end(state, "rolled-back", look.sentence, now);
    return { state: { ...state, pausedAt: state.pausedAt ?? now, passes: 0, reason: look.sentence }, action: NONE };
  }
  if (state.pausedAt !== null) return { state, action: NONE };
  if (state.phase === "gate") {
    if (look.shutGates.length === 0) return enter(state, course, state.step, now);
    return { state: { ...state, reason: `Waits for ${look.shutGates.join(", and for ")}.` }, action: NONE };
  }
  const passes = passesAfter(state.passes, course, look.verdict);
  const seen = { ...state, passes, ...(look.verdict === null ? {} : { reason: look.sentence }) };
  const holdMs = course.steps[state.step]?.holdMs ?? 0;
  if (now - state.since < holdMs || passes < course.passes) return { state: seen, action: NONE };
  return {
    state: { ...seen, phase: "gate", step: state.step + 1, since: now, approved: false },
    action: NONE,
  };
}

/** What follows from what somebody asks for; undefined when it means nothing in this state. */
export function commandRollout(
  state: RolloutState,
  course: RolloutCourse,
  command: RolloutCommand,
  now: number,
): RolloutMove | undefined {
  if (state.phase === "ended") return undefined;
  switch (command) {
    case "pause":
      if (state.pausedAt !== null) return undefined;
      return { state: { ...state, pausedAt: now, reason: "Paused by hand." }, action: NONE };
    case "resume":
      if (state.pausedAt === null) return undefined;
      return { state: resumed(state, now), action: NONE };
    case "approve":
      if (state.phase !== "gate" || state.approved) return undefined;
      return { state: { ...state, approved: true, reason: "Approved." }, action: NONE };
    case "step":
      return enter(resumed(state, now), course, state.phase === "gate" ? state.step : state.step + 1, now);
    case "promote":
      return enter({ ...resumed(state, now), reason: "by hand." }, course, course.steps.length, now);
    case "abort":
      return end(state, "aborted", "Aborted by hand.", now);
  }
}

/** Gives the new version a step's share, or everything after the last one. */
function enter(state: RolloutState, course: RolloutCourse, step: number, now: number): RolloutMove {
  const next = course.steps[step];
  if (next === undefined) {
    const ended = end(state, "promoted", `Promoted: ${state.reason}`, now);
    return { state: ended.state, action: { kind: "share", weight: 100, beginsStep: false } };
  }
  return {
    state: {
      ...state,
      phase: "watch",
      step,
      since: now,
      passes: 0,
      approved: false,
      reason: `Step ${step + 1} of ${course.steps.length} begins, with ${next.weight} %.`,
    },
    action: { kind: "share", weight: next.weight, beginsStep: true },
  };
}

function end(
  state: RolloutState,
  outcome: NonNullable<RolloutState["outcome"]>,
  reason: string,
  now: number,
): RolloutMove {
  return {
    state: { ...state, phase: "ended", pausedAt: null, since: now, outcome, reason },
    action: { kind: "return" },
  };
}

function resumed(state: RolloutState, now: number): RolloutState {
  if (state.pausedAt === null) return state;
  return { ...state, pausedAt: null, since: state.since + (now - state.pausedAt), reason: "Resumed." };
}

function passesAfter(passes: number, course: RolloutCourse, verdict: Verdict | null): number {
  switch (verdict) {
    case null:
      return passes;
    case "pass":
      return passes + 1;
    case "inconclusive":
      return course.onInconclusive === "advance" ? passes + 1 : 0;
    case "no-traffic":
      return course.onNoTraffic === "advance" ? passes + 1 : 0;
    case "fail":
      return 0;
  }
}
