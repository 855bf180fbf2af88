import { bucketCeiling, LAST_LATENCY_BUCKET } from "../measurements/latency-buckets.ts";
import { bernoulliEvidence } from "./bernoulli-evidence.ts";
import type { CumulativeSketch } from "./cumulative-sketch.ts";
import { quantileEvidence } from "./quantile-evidence.ts";
import type { Interval } from "./rate-interval.ts";

const STEPS = 30;

/**
 * A confidence sequence for one quantile in milliseconds: at all times together, it holds the true one with probability
 * 1 − `alpha`. Its ends are ends of buckets, and infinite where too few latencies say anything.
 * Source: S. R. Howard and A. Ramdas, Bernoulli 28 (2022).
 */
export function quantileInterval(sketch: CumulativeSketch, quantile: number, alpha: number): Interval {
  const needed = Math.log(2 / alpha);
  const { total, first, last } = sketch;
  const endsBelow = (index: number): boolean =>
    bernoulliEvidence(sketch.upTo(index), total, quantile, "below") >= needed;
  const beginsAbove = (index: number): boolean =>
    bernoulliEvidence(sketch.upTo(index - 1), total, quantile, "above") >= needed;
  let low = first - 1;
  while (low < last && endsBelow(low)) low += 1;
  let high = last + 1;
  while (high > first && beginsAbove(high)) high -= 1;
  return {
    low: low <= Math.max(0, first - 1) ? 0 : bucketCeiling(low - 1),
    high: high > last || high >= LAST_LATENCY_BUCKET ? Number.POSITIVE_INFINITY : bucketCeiling(high),
  };
}

/**
 * A confidence sequence for how much higher the new version's quantile is, in milliseconds: exactly the differences
 * that {@link quantileEvidence} does not speak against. It is infinite at an end that too few latencies say anything of.
 */
export function quantileDifferenceInterval(
  old: CumulativeSketch,
  fresh: CumulativeSketch,
  quantile: number,
  alpha: number,
): Interval {
  const needed = Math.log(2 / alpha);
  return {
    low: largestExceeded(old, fresh, quantile, needed),
    high: -largestExceeded(fresh, old, quantile, needed),
  };
}

/** The largest difference by which `b`'s quantile surely exceeds `a`'s. */
function largestExceeded(a: CumulativeSketch, b: CumulativeSketch, quantile: number, needed: number): number {
  const exceeds = (absolute: number): boolean => quantileEvidence(a, b, quantile, { relative: 0, absolute }) >= needed;
  const widest = bucketCeiling(Math.max(a.last, b.last, 0));
  if (!exceeds(-widest)) return Number.NEGATIVE_INFINITY;
  let [low, high] = [-widest, widest];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (exceeds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
