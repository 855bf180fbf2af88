import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beginRollout,
  commandRollout,
  moveRollout,
  type RolloutAction,
  type RolloutCourse,
  type RolloutLook,
  type RolloutState,
} from "./rollout-machine.ts";

const COURSE: RolloutCourse = {
  steps: [
    { weight: 5, holdMs: 60_000 },
    { weight: 50, holdMs: 60_000 },
  ],
  passes: 2,
  onFailure: "rollback",
  onInconclusive: "hold",
  onNoTraffic: "hold",
};
const PASS: RolloutLook = { verdict: "pass", sentence: "Pass.", shutGates: [] };
const NOTHING: RolloutLook = { verdict: null, sentence: "", shutGates: [] };
const look = (verdict: RolloutLook["verdict"]): RolloutLook => ({ verdict, sentence: `${verdict}.`, shutGates: [] });

/** Every action on the way through looks, one each ten seconds. */
function follow(looks: readonly RolloutLook[], course = COURSE): { state: RolloutState; actions: RolloutAction[] } {
  let state = beginRollout(course, 0, 0);
  const actions: RolloutAction[] = [];
  for (const [index, one] of looks.entries()) {
    const move = moveRollout(state, course, one, index * 10_000);
    ({ state } = move);
    if (move.action.kind !== "none") actions.push(move.action);
  }
  return { state, actions };
}

const times = (count: number, one: RolloutLook): RolloutLook[] => Array.from({ length: count }, () => one);
const share = (weight: number, beginsStep = true): RolloutAction => ({ kind: "share", weight, beginsStep });

describe("a rollout's course", () => {
  it("goes up its steps, each for its time, to the promotion", () => {
    const { state, actions } = follow(times(18, PASS));
    expect(actions).toEqual([share(5), share(50), share(100, false)]);
    expect(state).toMatchObject({ phase: "ended", outcome: "promoted" });
  });

  it("does not go on before so many looks in a row have passed: one bad look begins the count anew", () => {
    const unsteady = [PASS, ...times(6, look("inconclusive")), PASS, look("inconclusive"), PASS];
    expect(follow(unsteady).actions).toEqual([share(5)]);
    expect(follow([...unsteady, PASS, PASS]).actions).toEqual([share(5), share(50)]);
  });

  it("neither counts nor forgets at a look that found nothing new", () => {
    expect(follow([PASS, PASS, ...times(7, NOTHING), PASS, NOTHING]).actions).toEqual([share(5), share(50)]);
  });

  it("waits at shut gates with the share of the step before, and says for what", () => {
    const shut = { ...NOTHING, shutGates: ["approval", "the time from 08:00 to 18:00 UTC"] };
    const { state, actions } = follow([shut, shut]);
    expect(actions).toEqual([]);
    expect(state.reason).toBe("Waits for approval, and for the time from 08:00 to 18:00 UTC.");
  });

  it.each(["inconclusive", "no-traffic"] as const)("holds at %s unless the policy says to advance", (verdict) => {
    expect(follow(times(30, look(verdict))).actions).toEqual([share(5)]);
    const bold = { ...COURSE, onInconclusive: "advance", onNoTraffic: "advance" } as const;
    expect(follow(times(30, look(verdict)), bold).state.outcome).toBe("promoted");
  });

  it("begins beyond the share that the new version has", () => {
    expect(beginRollout(COURSE, 5, 0).step).toBe(1);
    expect(beginRollout(COURSE, 60, 0).step).toBe(2);
  });

  it("stops its clock while it is paused", () => {
    const begun = moveRollout(beginRollout(COURSE, 0, 0), COURSE, NOTHING, 0).state;
    const paused = commandRollout(begun, COURSE, "pause", 10_000)?.state ?? begun;
    const resumed = commandRollout(paused, COURSE, "resume", 1_000_000)?.state ?? begun;
    const seen = moveRollout({ ...resumed, passes: 5 }, COURSE, PASS, 1_049_999);
    expect(seen.state.phase).toBe("watch");
    expect(moveRollout(seen.state, COURSE, PASS, 1_050_000).state.phase).toBe("gate");
  });
});

describe("whatever happens", () => {
  const verdict = fc.constantFrom(null, "pass", "inconclusive", "no-traffic", "fail" as const);
  const event = fc.oneof(
    verdict.map((one) => ({ look: look(one) })),
    fc.constantFrom("pause", "resume", "approve", "step", "promote", "abort" as const).map((command) => ({ command })),
  );
  const events = fc.array(fc.tuple(event, fc.nat(70_000)), { maxLength: 40 });

  it("the share only rises until the rollout ends, a failure returns everything at once, and an end is final", () => {
    fc.assert(
      fc.property(events, (sequence) => {
        let state = beginRollout(COURSE, 0, 0);
        let [now, weight] = [0, 0];
        for (const [one, ms] of sequence) {
          now += ms;
          const before = state;
          const move =
            "look" in one ? moveRollout(state, COURSE, one.look, now) : commandRollout(state, COURSE, one.command, now);
          const ended = before.phase === "ended";
          const action: RolloutAction = move?.action ?? { kind: "none" };
          state = move?.state ?? before;
          expect(ended && (state !== before || action.kind !== "none")).toBe(false);
          const back = "look" in one ? one.look.verdict === "fail" : one.command === "abort";
          expect(action.kind === "return").toBe(back && !ended);
          const raised = action.kind === "share" ? action.weight : weight + 1;
          expect(raised).toBeGreaterThan(weight);
          if (action.kind === "share") weight = action.weight;
          expect(state.phase === "ended").toBe(state.outcome !== null);
          expect(state.outcome === "promoted" && !ended).toBe(action.kind === "share" && !action.beginsStep);
        }
      }),
      { numRuns: 500 },
    );
  });
});
