import { bernoulliEvidence } from "./bernoulli-evidence.ts";
import { type Tolerance, tolerated } from "./tolerance.ts";

/** One number a version for the same short time: the processor time that it used, or anything that somebody measures. */
export interface PairedValue {
  readonly old: number;
  readonly fresh: number;
}

/**
 * Evidence that the new version's number is higher than is tolerated more often than not: the logarithm of an
 * anytime-valid e-value. A sequential sign test: whatever numbers are distributed like, if the new version is not worse
 * then each pair is a fair coin at most, and {@link bernoulliEvidence} is about coins.
 */
export function pairedEvidence(counts: { readonly worse: number; readonly pairs: number }): number {
  // Uniform: a number that is worse is so nearly always.
  return bernoulliEvidence(counts.worse, counts.pairs, 0.5, "above", 2);
}

/** Whether the new version's number is more than is tolerated for the old one's. */
export function isWorse({ old, fresh }: PairedValue, tolerance: Tolerance): boolean {
  return fresh > tolerated(old, tolerance);
}
