/**
 * The fixed logarithmic buckets that latencies are counted in, of DDSketch (C. Masson, J. E. Rim, H. K. Lee: "DDSketch:
 * A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019, section 2), with one
 * change: both ends are fixed instead of collapsed when a sketch grows. A sketch is bounded by that, and merging is
 * exact in any order.
 *
 * Bucket i > 0 holds latencies in (SHORTEST · γ^(i−1), SHORTEST · γ^i], bucket 0 those up to SHORTEST, and the last one
 * also those beyond it. Indexes are what is stored and sent: these numbers can't be changed without converting them.
 */

/** A bucket's value is at most so far from any latency in it, relative to that latency. */
export const LATENCY_ERROR = 0.01;
/** Milliseconds: shorter latencies are not told apart. */
export const SHORTEST_LATENCY = 0.01;
/** Milliseconds (a day): longer latencies are not told apart. */
export const LONGEST_LATENCY = 86_400_000;

const GAMMA = (1 + LATENCY_ERROR) / (1 - LATENCY_ERROR);
const LOG_GAMMA = Math.log(GAMMA);

/** The highest index of a bucket; the lowest one is 0. */
export const LAST_LATENCY_BUCKET = Math.ceil(Math.log(LONGEST_LATENCY / SHORTEST_LATENCY) / LOG_GAMMA);

/** Index of the bucket of a latency in milliseconds, an integer from 0 to {@link LAST_LATENCY_BUCKET}. */
export function latencyBucket(milliseconds: number): number {
  if (!(milliseconds > SHORTEST_LATENCY)) return 0;
  return Math.min(Math.ceil(Math.log(milliseconds / SHORTEST_LATENCY) / LOG_GAMMA), LAST_LATENCY_BUCKET);
}

/** The latency in milliseconds that stands for a bucket: within {@link LATENCY_ERROR} of each in it. */
export function bucketLatency(index: number): number {
  return (2 * bucketCeiling(index)) / (GAMMA + 1);
}

/** The longest latency in milliseconds that a bucket is for. The bucket below has its floor as ceiling. */
export function bucketCeiling(index: number): number {
  return SHORTEST_LATENCY * GAMMA ** index;
}
