import { seededRandom } from "../../statistics/testing/seeded-random.ts";
import { isFailing } from "../judge-rollout.ts";
import type { JudgementPolicy } from "../judgement-policy.ts";
import { beginStep, NO_EVIDENCE, observeWindow } from "../rollout-evidence.ts";
import { type Behaviour, HEALTHY, simulateWindow } from "./simulated-traffic.ts";

/** The new version's share in each step. */
const SHARES = [0.05, 0.2, 0.5];
const WINDOWS = 12;
/** Requests in a window, on average. */
const REQUESTS = 200;

export const SIMULATED_POLICY: JudgementPolicy = {
  analyses: [
    {
      name: "error-rate",
      level: "critical",
      measure: { kind: "error-rate" },
      tolerance: { relative: 0, absolute: 0 },
      weight: 1,
    },
    {
      name: "p95",
      level: "critical",
      measure: { kind: "latency", quantile: 0.95 },
      tolerance: { relative: 0, absolute: 0 },
      weight: 1,
    },
  ],
  alpha: 0.01,
  minimumSamples: 100,
  steps: SHARES.length,
};

export interface Simulated {
  readonly rolledBack: number;
  /** The new version's requests until the verdict, of those that were rolled back: their median. */
  readonly requests: number;
}

/** Lets so many rollouts run, each looked at after every window, and counts those that are rolled back. */
export function simulateRollouts(runs: number, seed: number, fresh: Partial<Behaviour>): Simulated {
  const random = seededRandom(seed);
  const needed: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const requests = simulateRollout(random, { ...HEALTHY, ...fresh });
    if (requests !== undefined) needed.push(requests);
  }
  needed.sort((a, b) => a - b);
  return { rolledBack: needed.length, requests: needed[Math.floor(needed.length / 2)] ?? 0 };
}

/** The new version's requests until it was rolled back; undefined when it was not. */
function simulateRollout(random: () => number, fresh: Behaviour): number | undefined {
  let evidence = NO_EVIDENCE;
  let requests = 0;
  for (const share of SHARES) {
    for (let at = 0; at < WINDOWS; at += 1) {
      // Traffic is never even, and errors come and go for both versions alike.
      const weather = 0.5 + random();
      const old = { ...HEALTHY, errors: HEALTHY.errors * weather };
      const now = { ...fresh, errors: fresh.errors * weather };
      const window = simulateWindow(random, Math.ceil(REQUESTS * (0.5 + random())), share, { old, fresh: now });
      requests += window.fresh.requests;
      evidence = observeWindow(evidence, { tenants: { acme: window }, paired: {} }, SIMULATED_POLICY.analyses);
      if (isFailing(evidence, SIMULATED_POLICY)) return requests;
    }
    evidence = beginStep(evidence, SIMULATED_POLICY.analyses);
  }
  return undefined;
}
