import { mannWhitney } from "../statistics/mann-whitney.ts";
import { logSum } from "../statistics/log-sum.ts";
import { pairedEvidence } from "../statistics/paired-evidence.ts";
import { quantileDifferenceInterval } from "../statistics/quantile-interval.ts";
import { type Interval, rateDifferenceInterval } from "../statistics/rate-interval.ts";
import { logPooledRatesEvidence, logRatesEvidence, NO_RATES_EVIDENCE } from "../statistics/rates-evidence.ts";
import type { Analysis } from "./analysis.ts";
import type { JudgementPolicy } from "./judgement-policy.ts";
import { numberOf, type RolloutEvidence } from "./rollout-evidence.ts";
import { latenciesOf, logLatencyEvidence, type TenantEvidence } from "./tenant-evidence.ts";
import type { AnalysisVerdict, Verdict } from "./verdict.ts";
import { describeAnalysis } from "./verdict-sentence.ts";
import { addWindows } from "./version-window.ts";

/** A step with such evidence (3.2 : 1, "substantial" to H. Jeffreys) waits for more instead of passing. */
const WORTH_WAITING = Math.log(Math.sqrt(10));

/** With fewer windows of each version, no difference can be told from chance at 5 %: the least p of 3 and 3 is 0.1. */
const FEWEST_WINDOWS = 4;

/** Whom a verdict is about. */
export interface Scope {
  readonly tenants: readonly TenantEvidence[];
  /** As in {@link TenantEvidence.earlier}, for these tenants. */
  readonly earlier: Readonly<Record<string, number>>;
  readonly rollout: RolloutEvidence;
}

/**
 * Evidence of one analysis since the rollout began: the logarithm of an e-value.
 *
 * @param latencyEvidence of the present step; what comes out only grows with it
 */
export function logEvidence(
  analysis: Analysis,
  policy: JudgementPolicy,
  scope: Scope,
  latencyEvidence = logLatencyEvidence,
): number {
  const { name, measure, tolerance } = analysis;
  const { tenants, earlier, rollout } = scope;
  switch (measure.kind) {
    case "error-rate": {
      const rates = tenants.map((tenant) => tenant.rates[name] ?? NO_RATES_EVIDENCE);
      return rates.length === 1 ? logRatesEvidence(rates[0] ?? NO_RATES_EVIDENCE) : logPooledRatesEvidence(rates);
    }
    case "latency": {
      const present = latencyEvidence(tenants, measure.quantile, tolerance);
      // The mean over all steps, of which those that are to come are worth 1 each: an e-value again.
      const done = rollout.step;
      const rest = Math.max(0, policy.steps - done - 1);
      const parts = [present, ...(rest > 0 ? [Math.log(rest)] : [])];
      const before = earlier[name];
      return logSum(before === undefined ? parts : [...parts, before]) - Math.log(Math.max(policy.steps, done + 1));
    }
    case "paired":
      return pairedEvidence(rollout.paired[name] ?? { worse: 0, pairs: 0 });
  }
}

/** @param needed logarithm of the e-value at which this analysis fails by itself */
export function judgeAnalysis(
  analysis: Analysis,
  policy: JudgementPolicy,
  scope: Scope,
  needed: number,
): AnalysisVerdict {
  const { name, level, measure } = analysis;
  const samples = scope.rollout.samples[name] ?? [];
  const old = addWindows(scope.tenants.map((tenant) => tenant.old));
  const fresh = addWindows(scope.tenants.map((tenant) => tenant.fresh));
  const counted =
    measure.kind === "paired"
      ? { old: samples.length, fresh: samples.length }
      : { old: old.requests, fresh: fresh.requests };
  const evidence = logEvidence(analysis, policy, scope);
  const facts = {
    name,
    level,
    measure,
    ...(measure.kind === "paired"
      ? { old: median(samples.map(([value]) => value)), fresh: median(samples.map(([, value]) => value)) }
      : { old: numberOf(measure, old) ?? null, fresh: numberOf(measure, fresh) ?? null }),
    interval: intervalOf(measure, scope.tenants, old, fresh, policy.alpha),
    samples: counted,
    evidence,
    needed,
    report:
      samples.length < FEWEST_WINDOWS
        ? null
        : mannWhitney(
            samples.map(([, value]) => value),
            samples.map(([value]) => value),
            0.95,
          ),
    verdict: verdictOf(measure, counted, evidence, needed, policy.minimumSamples),
  };
  return { ...facts, sentence: describeAnalysis(facts, policy) };
}

function verdictOf(
  measure: Analysis["measure"],
  samples: { old: number; fresh: number },
  evidence: number,
  needed: number,
  minimumSamples: number,
): Verdict {
  if (evidence >= needed) return "fail";
  if (samples.old === 0 || samples.fresh === 0) return "no-traffic";
  if (measure.kind !== "paired" && samples.fresh < minimumSamples) return "inconclusive";
  return evidence >= WORTH_WAITING ? "inconclusive" : "pass";
}

function intervalOf(
  measure: Analysis["measure"],
  tenants: readonly TenantEvidence[],
  old: { requests: number; errors: number },
  fresh: { requests: number; errors: number },
  alpha: number,
): Interval | null {
  if (measure.kind === "paired" || old.requests === 0 || fresh.requests === 0) return null;
  if (measure.kind === "error-rate") {
    return rateDifferenceInterval(
      { yes: old.errors, total: old.requests },
      { yes: fresh.errors, total: fresh.requests },
      alpha,
    );
  }
  const interval = quantileDifferenceInterval(...latenciesOf(tenants), measure.quantile, alpha);
  return interval;
}

function median(values: readonly number[]): number | null {
  const inOrder = values.toSorted((a, b) => a - b);
  const middle = Math.floor(inOrder.length / 2);
  const upper = inOrder[middle];
  if (upper === undefined) return null;
  return inOrder.length % 2 === 1 ? upper : (upper + (inOrder[middle - 1] ?? upper)) / 2;
}
