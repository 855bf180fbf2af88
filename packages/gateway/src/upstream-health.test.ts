import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  healthAfter,
  healthAt,
  type HealthEvent,
  type HealthPolicy,
  newHealth,
  shareAt,
  type UpstreamHealth,
} from "./upstream-health.ts";

const POLICY: HealthPolicy = {
  upstreamConnectFailures: 3,
  upstreamFailures: 5,
  upstreamErrorShare: 0.5,
  upstreamErrorMinimum: 20,
  upstreamErrorWindow: 10_000,
  ejectionTime: 2_000,
  ejectionMaxTime: 60_000,
  probeFall: 3,
  probeRise: 2,
  slowStart: 10_000,
};
const always = (): boolean => true;
const never = (): boolean => false;

type Step = HealthEvent["kind"] | "passes" | "fails";

/** What becomes of an upstream that served for long, by one step a millisecond from 100,000 on. */
function after(
  steps: readonly Step[],
  { maySicken = always, health = newHealth(0), from = 100_000 } = {},
): UpstreamHealth {
  return steps.reduce((state, step, index) => {
    const at = from + index;
    const event: HealthEvent =
      step === "passes" || step === "fails" || step === "probe"
        ? { kind: "probe", passed: step === "passes", at }
        : { kind: step, at };
    return healthAfter(state, event, POLICY, maySicken);
  }, health);
}
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe("an upstream that serves", () => {
  test.each<[string, Step[], string | undefined]>([
    ["two refused connections", times(2, "unreachable"), undefined],
    ["three refused connections", times(3, "unreachable"), "connect-failures"],
    [
      "refused connections with a success between",
      ["unreachable", "unreachable", "answered", "unreachable"],
      undefined,
    ],
    ["four failures", times(4, "failed"), undefined],
    ["five failures", times(5, "failed"), "failures"],
    [
      "failures with a success between",
      [...times(4, "failed"), "answered", ...times(4, "failed")] as Step[],
      undefined,
    ],
    ["a refused connection between failures", [...times(4, "failed"), "unreachable", "failed"] as Step[], undefined],
    ["half failures among 19", times(19, 0).map((_, n) => (n % 2 === 0 ? "failed" : "answered")), undefined],
    ["half failures among 20", times(20, 0).map((_, n) => (n % 2 === 0 ? "failed" : "answered")), "error-share"],
    ["a third of failures among 30", times(30, 0).map((_, n) => (n % 3 === 0 ? "failed" : "answered")), undefined],
    ["two failed probes", ["fails", "fails"], undefined],
    ["three failed probes", ["fails", "fails", "fails"], "probes"],
    ["failed probes with a passed one between", ["fails", "fails", "passes", "fails", "fails"], undefined],
  ])("after %s: %3$s", (_name, steps, reason) => {
    expect(after(steps).ejected?.reason).toBe(reason);
  });

  test("is not ejected for failures that other windows hold", () => {
    const first = after(times(9, 0).flatMap((): Step[] => ["failed", "answered"]));
    const second = after(["failed", "answered"], { health: first, from: 111_000 });
    expect([first.ejected, second.ejected]).toEqual([undefined, undefined]);
    expect(second.window.requests).toBe(2);
  });

  test.each<[string, Step[], boolean]>([
    ["sick by failures in a row", times(9, "failed"), false],
    ["sick by its share of failures", times(30, 0).map((_, n) => (n % 2 === 0 ? "failed" : "answered")), false],
    ["gone by refused connections", times(3, "unreachable"), true],
    ["gone by its probes", times(3, "fails"), true],
  ])("is ejected although no other one is left only when it is gone: %s", (_name, steps, isEjected) => {
    expect(after(steps, { maySicken: never }).ejected !== undefined).toBe(isEjected);
  });

  test("that could not be ejected is when there are others again", () => {
    const kept = after(times(9, "failed"), { maySicken: never });
    expect(after(["failed"], { health: kept, from: 100_100 }).ejected?.reason).toBe("failures");
  });
});

describe("an ejected upstream", () => {
  const gone = after(times(3, "unreachable"));
  const sick = after(times(5, "failed"));

  test("has no share, and what was sent to it before changes nothing", () => {
    expect(shareAt(gone, 100_100, POLICY)).toBe(0);
    expect(after(["answered", "failed", "unreachable"], { health: gone, from: 100_100 })).toEqual(gone);
  });

  test("comes back when its time is over, not before", () => {
    expect(gone.ejected?.until).toBe(100_002 + POLICY.ejectionTime);
    expect(healthAt(gone, 102_001, POLICY).ejected).toBeDefined();
    expect(healthAt(gone, 102_002, POLICY).ejected).toBeUndefined();
  });

  test("comes back when the clock was set back: it is not kept out until that time comes again", () => {
    expect(healthAt(gone, 5, POLICY).ejected).toBeUndefined();
  });

  test.each<[string, UpstreamHealth, Step[], boolean]>([
    ["that is gone, after enough passed probes", gone, ["passes", "passes"], true],
    ["that is gone, not after one", gone, ["passes"], false],
    ["that is gone, not after passed ones with a failed one between", gone, ["passes", "fails", "passes"], false],
    ["that is sick, by its time alone, whatever probes say", sick, ["passes", "passes", "passes"], false],
  ])("comes back before its time: %s", (_name, health, steps, isBack) => {
    expect(after(steps, { health, from: 100_100 }).ejected === undefined).toBe(isBack);
  });

  test("whose probe failed stays out beyond its time, until enough pass", () => {
    const failing = after(["fails"], { health: sick, from: 100_100 });
    expect(healthAt(failing, 900_000, POLICY).ejected).toBeDefined();
    const once = after(["passes"], { health: failing, from: 900_000 });
    expect(healthAt(once, 900_001, POLICY).ejected).toBeDefined();
    expect(after(["passes"], { health: once, from: 900_002 }).ejected).toBeUndefined();
  });

  test("that comes back is on trial until its first success: one more failure of the kind ejects it", () => {
    const back = healthAt(gone, 102_002, POLICY);
    expect(after(["unreachable"], { health: back, from: 102_010 }).ejected?.reason).toBe("connect-failures");
    const trusted = after(["answered", "unreachable"], { health: back, from: 102_010 });
    expect(trusted.ejected).toBeUndefined();
    const sickAgain = after(["failed"], { health: healthAt(sick, 102_004, POLICY), from: 102_010 });
    expect(sickAgain.ejected?.reason).toBe("failures");
  });

  test("stays out twice as long each time that it follows soon, up to a longest; later it begins anew", () => {
    let health = newHealth(0);
    let at = 100_000;
    const lengths: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      health = after(times(3, "unreachable"), { health, from: at });
      lengths.push((health.ejected?.until ?? 0) - health.since);
      at = (health.ejected?.until ?? 0) + 10;
    }
    expect(lengths).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    health = after(["answered"], { health, from: at });
    health = after(times(3, "unreachable"), { health, from: at + POLICY.ejectionMaxTime });
    expect((health.ejected?.until ?? 0) - health.since).toBe(2_000);
  });
});

describe("the share of an upstream that is new or back", () => {
  test.each([
    [0, 0.1],
    [500, 0.1],
    [2_500, 0.25],
    [9_999, 0.9999],
    [10_000, 1],
    [60_000, 1],
    [-1, 1],
  ])("after %d ms is %d", (age, share) => {
    expect(shareAt(newHealth(100_000), 100_000 + age, POLICY)).toBeCloseTo(share, 6);
  });

  test("is whole at once without a slow start", () => {
    expect(shareAt(newHealth(7), 7, { ...POLICY, slowStart: 0 })).toBe(1);
  });
});

const steps = fc.array(fc.constantFrom<Step>("answered", "failed", "unreachable", "passes", "fails"), {
  maxLength: 80,
});

test("an ejection is never longer than the longest, and never without evidence", () => {
  fc.assert(
    fc.property(steps, (list) => {
      const { ejected, since } = after(list);
      if (ejected === undefined) return;
      expect(ejected.until - since).toBeLessThanOrEqual(POLICY.ejectionMaxTime);
      expect(list.some((step) => step !== "answered" && step !== "passes")).toBe(true);
    }),
  );
});

test("whatever happened, an upstream that passes its probes serves in the end", () => {
  fc.assert(
    fc.property(steps, (list) => {
      const health = after(list);
      expect(after(["passes", "passes"], { health, from: 1_000_000 }).ejected).toBeUndefined();
    }),
  );
});
