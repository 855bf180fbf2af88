import { describe, expect, it } from "vitest";
import { type Behaviour, HEALTHY, simulateVersion } from "../rollouts/testing/simulated-traffic.ts";
import { seededRandom } from "../statistics/testing/seeded-random.ts";
import {
  type FleetJudgement,
  type FleetJudgementPolicy,
  judgeFleet,
  NO_FLEET_EVIDENCE,
  observeFleet,
} from "./fleet-evidence.ts";

const POLICY: FleetJudgementPolicy = { alpha: 0.01, tolerated: { "error-rate": 0, p95: 0 } };
/** Canaries are not like the others: more requests fail, and they take longer. */
const CANARY: Behaviour = { ...HEALTHY, errors: 0.03, median: 160 };
const OTHERS: Behaviour = HEALTHY;

/** Watches a fleet window by window, and says after how many it was found worse. */
function watch(
  random: () => number,
  windows: number,
  change: (canary: Behaviour) => Behaviour,
  { policy = POLICY, requests = { moved: 60, others: 200 } } = {},
): { after: number; last: FleetJudgement } {
  let evidence = NO_FLEET_EVIDENCE;
  let last = judgeFleet(evidence, policy);
  for (let at = 1; at <= windows; at += 1) {
    // Before and after are different times of the day: all tenants' errors, latencies and traffic come and go together.
    const groupsAt = (moved: Behaviour) => {
      // In few steps, so that the tables by which latencies are drawn are made once.
      const weather = 0.5 + Math.floor(random() * 16) / 16;
      const traffic = 0.5 + random();
      const inWeather = (one: Behaviour): Behaviour => ({
        ...one,
        errors: one.errors * weather,
        median: one.median * (0.8 + 0.4 * weather),
      });
      return {
        moved: simulateVersion(random, Math.ceil(requests.moved * traffic), inWeather(moved)),
        others: simulateVersion(random, Math.ceil(requests.others * traffic), inWeather(OTHERS)),
      };
    };
    evidence = observeFleet(evidence, { before: groupsAt(CANARY), after: groupsAt(change(CANARY)) }, policy.tolerated);
    last = judgeFleet(evidence, policy);
    if (last.verdict === "worse") return { after: at, last };
  }
  return { after: Number.POSITIVE_INFINITY, last };
}

describe("a fleet's measurements", () => {
  it("halt at most α of 200 fleets that move to an equal version, however often they are looked at", () => {
    const random = seededRandom(7);
    const halted = Array.from({ length: 200 }, () =>
      watch(random, 100, (same) => same, { requests: { moved: 20, others: 40 } }),
    ).filter(({ after }) => Number.isFinite(after)).length;
    expect(halted / 200).toBeLessThanOrEqual(POLICY.alpha);
  }, 120_000);

  it("find a version that is slower and has 2 % more errors while the canaries are watched", () => {
    const random = seededRandom(8);
    const worse = (one: Behaviour): Behaviour => ({ ...one, errors: one.errors + 0.02, median: one.median * 1.3 });
    const needed = Array.from({ length: 50 }, () => watch(random, 60, worse).after).toSorted((a, b) => a - b);
    expect(needed.at(-1)).toBeLessThanOrEqual(60);
    expect(needed[25]).toBeLessThanOrEqual(20);
  });

  it("find one that has more errors alone, and say so with the numbers", () => {
    const { last } = watch(seededRandom(9), 120, (one) => ({ ...one, errors: one.errors + 0.05 }));
    expect(last.verdict).toBe("worse");
    expect(last.sentence).toMatch(
      /^the error rate of tenants that were moved went from [234][\d.]* % to [6-9][\d.]* %, that of the others from [01][\d.]* % to [\d.]+ %; against them it rose in \d+ of \d+ windows: evidence \d+ : 1, needed 100 : 1\.$/,
    );
  });

  it("say nothing without requests of both groups, before and after", () => {
    const some = simulateVersion(seededRandom(1), 50, HEALTHY);
    const none = { requests: 0, errors: 0, latency: [] };
    const pair = { before: { moved: some, others: some }, after: { moved: some, others: none } };
    const evidence = observeFleet(NO_FLEET_EVIDENCE, pair, POLICY.tolerated);
    expect(judgeFleet(evidence, POLICY).verdict).toBe("no-traffic");
  });

  it("bear what is tolerated", () => {
    const slower = (one: Behaviour): Behaviour => ({ ...one, median: one.median * 1.1 });
    const tolerant = { ...POLICY, tolerated: { "error-rate": 0.01, p95: 0.3 } };
    expect(watch(seededRandom(3), 100, slower, { policy: tolerant }).last.verdict).toBe("not-worse");
    expect(watch(seededRandom(3), 100, slower).last.verdict).toBe("worse");
  });
});
