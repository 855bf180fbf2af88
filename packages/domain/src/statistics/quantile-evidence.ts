import { bucketCeiling, LAST_LATENCY_BUCKET, latencyBucket } from "../measurements/latency-buckets.ts";
import { bernoulliEvidence } from "./bernoulli-evidence.ts";
import type { CumulativeSketch } from "./cumulative-sketch.ts";
import { type Tolerance, tolerated } from "./tolerance.ts";

/** What the logarithm and the power of doubles may be off by: an end of a bucket must stay in that bucket. */
const ROUNDING = 1 + 1e-9;

/**
 * Evidence that a quantile of the new version's latencies is higher than is tolerated: the logarithm of an e-value for
 * the hypothesis Q_new ≤ Q_old (1 + relative) + absolute. Anytime-valid, like {@link bernoulliEvidence}.
 *
 * If the old version's quantile were x, then the evidence that it is below x, times the evidence that the new one's is
 * above what is tolerated for x, would be an e-process. Nobody knows x: the least over all x counts.
 * Source: S. R. Howard and A. Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
 * identification", Bernoulli 28 (2022).
 *
 * Of latencies only their buckets are known. Each is taken for what speaks least against the new version, so that
 * buckets cost power (a difference of about a bucket's width can't be seen) and never validity.
 */
export function quantileEvidence(
  old: CumulativeSketch,
  fresh: CumulativeSketch,
  quantile: number,
  tolerance: Tolerance,
): number {
  if (old.total === 0 || fresh.total === 0) return 0;
  const oldIsBelow = (index: number): number => bernoulliEvidence(old.upTo(index - 1), old.total, quantile, "above");
  const freshIsAbove = (index: number): number =>
    bernoulliEvidence(fresh.upTo(reach(index, tolerance)), fresh.total, quantile, "below");
  // With the bucket, the first of the two only grows and the second only falls: what is far off need not be looked at.
  const leastOld = bernoulliEvidence(0, old.total, quantile, "above");
  const leastFresh = bernoulliEvidence(fresh.total, fresh.total, quantile, "below");
  const start = likelyBucket(old, quantile);
  let least = oldIsBelow(start) + freshIsAbove(start);
  for (let index = start + 1; index <= LAST_LATENCY_BUCKET + 1; index += 1) {
    const one = oldIsBelow(index);
    if (one + leastFresh >= least) break;
    least = Math.min(least, one + freshIsAbove(index));
  }
  for (let index = start - 1; index >= 0; index -= 1) {
    const one = freshIsAbove(index);
    if (one + leastOld >= least) break;
    least = Math.min(least, one + oldIsBelow(index));
  }
  return least;
}

/**
 * What {@link quantileEvidence} is not more than: its value for the old version's bucket that is most likely. A fraction
 * of the work, and enough to see that there is no evidence to speak of.
 */
export function quantileEvidenceAtMost(
  old: CumulativeSketch,
  fresh: CumulativeSketch,
  quantile: number,
  tolerance: Tolerance,
): number {
  if (old.total === 0 || fresh.total === 0) return 0;
  const likely = likelyBucket(old, quantile);
  return (
    bernoulliEvidence(old.upTo(likely - 1), old.total, quantile, "above") +
    bernoulliEvidence(fresh.upTo(reach(likely, tolerance)), fresh.total, quantile, "below")
  );
}

function likelyBucket(sketch: CumulativeSketch, quantile: number): number {
  let index = sketch.first;
  while (sketch.upTo(index) < quantile * sketch.total) index += 1;
  return index;
}

/** The bucket with the largest latency that is tolerated when the old version's quantile is in bucket `index`. */
function reach(index: number, tolerance: Tolerance): number {
  const most = tolerated(bucketCeiling(index), tolerance);
  return most <= 0 ? -1 : latencyBucket(most / ROUNDING);
}
