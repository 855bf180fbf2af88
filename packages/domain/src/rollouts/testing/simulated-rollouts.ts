import { seededRandom } from "../../statistics/testing/seeded-random.ts";
import { isFailing } from "../judge-rollout.ts";
import type { JudgementPolicy } from "../judgement-policy.ts";
import { beginStep, NO_EVIDENCE, observePart, observeWindow, type RolloutEvidence } from "../rollout-evidence.ts";
import type { TenantWindow } from "../tenant-evidence.ts";
import { addWindows } from "../version-window.ts";
import { type Behaviour, HEALTHY, simulateWindow } from "./simulated-traffic.ts";

/** The new version's share in each step. */
const SHARES = [0.05, 0.2, 0.5];
const WINDOWS = 12;
/** Gateways send what they measured so often within a window, and each time it is looked into while it is open. */
const PARTS = 5;
/** Requests in such a part of a window, on average. */
const REQUESTS = 40;
const WINDOW_MS = 10_000;

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
  /** Of these, those whose verdict came out of a window that was not over. */
  readonly early: number;
  /** The new version's requests until the verdict, of those that were rolled back: their median. */
  readonly requests: number;
  /** Looks at evidence, and those of them into a window that was not over. */
  readonly looks: number;
  readonly openLooks: number;
}

interface Course {
  looks: number;
  openLooks: number;
  /** What the verdict came out of; undefined when it was not rolled back. */
  failedIn?: "open" | "over";
  /** The new version's requests until the verdict or the end. */
  requests: number;
}

/** Lets so many rollouts run, each looked at during and after every window, and counts those that are rolled back. */
export function simulateRollouts(runs: number, seed: number, fresh: Partial<Behaviour>): Simulated {
  const random = seededRandom(seed);
  const courses = Array.from({ length: runs }, () => simulateRollout(random, { ...HEALTHY, ...fresh }));
  const back = courses.filter(({ failedIn }) => failedIn !== undefined).toSorted((a, b) => a.requests - b.requests);
  return {
    rolledBack: back.length,
    early: back.filter(({ failedIn }) => failedIn === "open").length,
    requests: back[Math.floor(back.length / 2)]?.requests ?? 0,
    looks: courses.reduce((sum, { looks }) => sum + looks, 0),
    openLooks: courses.reduce((sum, { openLooks }) => sum + openLooks, 0),
  };
}

function simulateRollout(random: () => number, fresh: Behaviour): Course {
  const course: Course = { looks: 0, openLooks: 0, requests: 0 };
  let evidence = NO_EVIDENCE;
  for (const share of SHARES) {
    for (let number = 0; number < WINDOWS; number += 1) {
      // Traffic is never even, and errors come and go for both versions alike.
      const weather = 0.5 + random();
      const requests = REQUESTS * (0.5 + random());
      const old = { ...HEALTHY, errors: HEALTHY.errors * weather };
      const now = { ...fresh, errors: fresh.errors * weather };
      evidence = watchWindow(course, evidence, number * WINDOW_MS, () =>
        simulateWindow(random, Math.ceil(requests * (0.5 + random())), share, { old, fresh: now }),
      );
      if (course.failedIn !== undefined) return course;
    }
    evidence = beginStep(evidence, SIMULATED_POLICY.analyses);
  }
  return course;
}

/** The evidence after a window, or after the look into it at which the version failed. As the control plane looks. */
function watchWindow(
  course: Course,
  evidence: RolloutEvidence,
  at: number,
  simulatePart: () => TenantWindow,
): RolloutEvidence {
  const { analyses } = SIMULATED_POLICY;
  const before = course.requests;
  let window = simulatePart();
  for (let part = 1; part < PARTS; part += 1) {
    course.requests = before + window.fresh.requests;
    const found = observePart(evidence, { acme: window }, analyses, at);
    if (found !== evidence) {
      evidence = found;
      course.openLooks += 1;
      if (looksFailing(course, evidence, "open")) return evidence;
    }
    const next = simulatePart();
    window = { old: addWindows([window.old, next.old]), fresh: addWindows([window.fresh, next.fresh]) };
  }
  course.requests = before + window.fresh.requests;
  evidence = observeWindow(evidence, { tenants: { acme: window }, paired: {} }, analyses, at);
  looksFailing(course, evidence, "over");
  return evidence;
}

function looksFailing(course: Course, evidence: RolloutEvidence, where: "open" | "over"): boolean {
  course.looks += 1;
  if (!isFailing(evidence, SIMULATED_POLICY)) return false;
  course.failedIn = where;
  return true;
}
