import { describe, expect, it } from "vitest";
import { seededRandom } from "../statistics/testing/seeded-random.ts";
import type { Analysis } from "./analysis.ts";
import { isFailing, judgeRollout } from "./judge-rollout.ts";
import type { JudgementPolicy } from "./judgement-policy.ts";
import { beginStep, NO_EVIDENCE, observePart, observeWindow, type RolloutEvidence } from "./rollout-evidence.ts";
import type { TenantWindow } from "./tenant-evidence.ts";
import { type Behaviour, HEALTHY, simulateWindow } from "./testing/simulated-traffic.ts";
import { addWindows, EMPTY_WINDOW } from "./version-window.ts";

const ERRORS: Analysis = {
  name: "errors",
  level: "critical",
  measure: { kind: "error-rate" },
  tolerance: { relative: 0, absolute: 0.001 },
  weight: 1,
};
const P95: Analysis = {
  name: "p95",
  level: "critical",
  measure: { kind: "latency", quantile: 0.95 },
  tolerance: { relative: 0.1, absolute: 0 },
  weight: 1,
};
const POLICY: JudgementPolicy = { analyses: [ERRORS, P95], alpha: 0.01, minimumSamples: 100, steps: 1 };

interface Scene {
  readonly tenants?: number;
  readonly requests?: number;
  readonly share?: number;
  readonly windows?: number;
  /** Of the tenant with this number. */
  readonly fresh?: (tenant: number) => Behaviour;
}

function see({
  tenants = 1,
  requests = 200,
  share = 0.2,
  windows = 60,
  fresh = () => HEALTHY,
}: Scene): RolloutEvidence {
  const random = seededRandom(42);
  let evidence = NO_EVIDENCE;
  for (let at = 0; at < windows; at += 1) {
    const seen = Array.from({ length: tenants }, (_, tenant) => [
      `t${tenant}`,
      simulateWindow(random, requests, share, { fresh: fresh(tenant) }),
    ]);
    evidence = observeWindow(evidence, { tenants: Object.fromEntries(seen), paired: {} }, POLICY.analyses);
  }
  return evidence;
}

describe("a rollout is judged", () => {
  it("to fail when the new version is slower in p95 only", () => {
    const found = judgeRollout(see({ fresh: () => ({ ...HEALTHY, slowShare: 0.06, slowFactor: 4 }) }), POLICY);
    expect(found.verdict).toBe("fail");
    expect(found.analyses.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["errors", "pass"],
      ["p95", "fail"],
    ]);
    expect(found.sentence).toMatch(
      /^Fail: p95 \d+ ms against \d+ ms \([\d,]+ and [\d,]+ requests, \+[\d.]+ ms, with 99 % confidence \+[\d.]+ ms to \+[\d.]+ ms\) is worse than is tolerated: evidence [\d,]+ : 1, needed 200 : 1\.$/,
    );
    expect(found.evidence).toBeGreaterThanOrEqual(found.needed);
  });

  it("to fail when the new version has 1 % more errors", () => {
    const found = judgeRollout(see({ windows: 120, fresh: () => ({ ...HEALTHY, errors: 0.02 }) }), POLICY);
    expect(found).toMatchObject({ verdict: "fail", failedTenants: [] });
    expect(found.sentence).toMatch(
      /^Fail: errors [12]\.\d+ % against [\d.]+ % .*, \+[\d.]+ points, with 99 % confidence [+−][\d.]+ points to/,
    );
  });

  it("to pass when the versions are equal", () => {
    const found = judgeRollout(see({}), POLICY);
    expect(found.verdict).toBe("pass");
    expect(found.sentence).toMatch(/^Pass, at a false alarm rate of 0\.01: .* is no worse as far as can be seen/);
    expect(found.analyses.every(({ report }) => (report?.pValue ?? 0) > 0.001)).toBe(true);
  });

  it("to be inconclusive with almost no traffic, and to have no traffic with none", () => {
    const few = judgeRollout(see({ requests: 4, windows: 30 }), POLICY);
    expect(few.verdict).toBe("inconclusive");
    expect(few.sentence).toMatch(/^Inconclusive: errors .* rests on too few requests: 100 are needed\.$/);
    const none = judgeRollout(see({ requests: 4, share: 0 }), POLICY);
    expect([none.verdict, none.sentence]).toEqual([
      "no-traffic",
      "No traffic: errors: no requests of the new version in this step.",
    ]);
    expect(judgeRollout(NO_EVIDENCE, POLICY).verdict).toBe("no-traffic");
  });

  it("to fail for the one tenant of thirty that has a regression, and for no other", () => {
    const evidence = see({
      tenants: 30,
      requests: 50,
      fresh: (tenant) => ({ ...HEALTHY, errors: tenant === 17 ? 0.2 : 0.01 }),
    });
    const found = judgeRollout(evidence, POLICY);
    expect(found.failedTenants.map(({ tenant }) => tenant)).toEqual(["t17"]);
    expect(found.verdict).toBe("pass");
    expect(found.sentence).toMatch(/for t17, errors .* against .* is worse than is tolerated/);
    expect(isFailing(evidence, POLICY)).toBe(true);
  });

  it("to fail for all when each of thirty small tenants has a regression too small to see by itself", () => {
    const evidence = see({ tenants: 30, requests: 20, windows: 40, fresh: () => ({ ...HEALTHY, errors: 0.035 }) });
    const found = judgeRollout(evidence, POLICY);
    expect([found.verdict, found.failedTenants]).toEqual(["fail", []]);
    const alone = judgeRollout({ ...evidence, tenants: { t0: evidence.tenants["t0"] ?? never() } }, POLICY);
    expect(alone.verdict).not.toBe("fail");
  });
});

describe("levels", () => {
  it("only critical analyses undo anything; others say what they see", () => {
    const evidence = see({ fresh: () => ({ ...HEALTHY, errors: 0.3 }) });
    for (const level of ["warn", "dry-run"] as const) {
      const found = judgeRollout(evidence, { ...POLICY, analyses: [{ ...ERRORS, level }, P95] });
      expect([found.verdict, found.analyses[0]?.verdict]).toEqual(["pass", "fail"]);
    }
    expect(judgeRollout(evidence, { ...POLICY, analyses: [] }).sentence).toBe("Pass: there is no critical analysis.");
  });
});

describe("evidence", () => {
  it("is kept over steps: a version that is worse in the second one fails there", () => {
    const random = seededRandom(3);
    const policy = { ...POLICY, steps: 4 };
    let evidence = beginStep(see({}), POLICY.analyses);
    expect(judgeRollout(evidence, policy).verdict).toBe("no-traffic");
    for (let at = 0; at < 60; at += 1) {
      const window = simulateWindow(random, 200, 0.4, { fresh: { ...HEALTHY, slowShare: 0.1, slowFactor: 3 } });
      evidence = observeWindow(evidence, { tenants: { t0: window }, paired: {} }, POLICY.analyses);
    }
    expect(judgeRollout(evidence, policy).sentence).toMatch(/^Fail: p95 /);
  });

  it("of a window that was looked into while it was open has each request once", () => {
    const random = seededRandom(11);
    const parts = [200, 4, 150, 90].map((requests) => simulateWindow(random, requests, 0.3));
    let evidence = NO_EVIDENCE;
    let whole: TenantWindow = { old: EMPTY_WINDOW, fresh: EMPTY_WINDOW };
    for (const part of parts) {
      whole = { old: addWindows([whole.old, part.old]), fresh: addWindows([whole.fresh, part.fresh]) };
      evidence = observePart(evidence, { t0: whole }, POLICY.analyses, 10_000);
    }
    expect(evidence.tenants["t0"]?.fresh.requests).toBeGreaterThan(100);
    const window = { tenants: { t0: whole }, paired: {} };
    const seen = observeWindow(evidence, window, POLICY.analyses, 10_000);
    const once = observeWindow(NO_EVIDENCE, window, POLICY.analyses);
    expect(seen.tenants["t0"]).toMatchObject({ old: whole.old, fresh: whole.fresh });
    expect([seen.samples, seen.open]).toEqual([once.samples, {}]);
  });

  it("of a part of a window waits until both versions had requests enough to be compared", () => {
    const few = simulateWindow(seededRandom(12), 60, 0.1);
    expect(observePart(NO_EVIDENCE, { t0: few }, POLICY.analyses, 0)).toBe(NO_EVIDENCE);
  });

  it("is the same after it was stored as JSON", () => {
    const evidence = see({ tenants: 2, fresh: () => ({ ...HEALTHY, errors: 0.02 }) });
    expect(judgeRollout(JSON.parse(JSON.stringify(evidence)) as RolloutEvidence, POLICY)).toEqual(
      judgeRollout(evidence, POLICY),
    );
  });

  it("of one number a window fails when it is worse too often to be chance", () => {
    const cpu: Analysis = {
      name: "cpu",
      level: "critical",
      measure: { kind: "paired", unit: "ms a request" },
      tolerance: { relative: 0.2, absolute: 0 },
      weight: 1,
    };
    const policy = { ...POLICY, analyses: [cpu] };
    const judge = (windows: number, fresh: number): string => {
      let evidence = NO_EVIDENCE;
      for (let at = 0; at < windows; at += 1) {
        evidence = observeWindow(evidence, { tenants: {}, paired: { cpu: { old: 10, fresh } } }, policy.analyses);
      }
      return judgeRollout(evidence, policy).sentence;
    };
    expect(judge(40, 13)).toMatch(/^Fail: cpu 13 ms a request against 10 ms a request \(40 and 40 windows\)/);
    expect(judge(40, 11.9)).toMatch(/^Pass/);
    expect(judge(0, 13)).toBe("No traffic: cpu: no windows of the new version in this step.");
  });
});

function never(): never {
  throw new Error("no such tenant");
}
