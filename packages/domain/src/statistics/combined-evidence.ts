import { logSum } from "./log-sum.ts";

/** One part of what is judged together: its e-value as a logarithm, and its weight, from 0 up. */
export interface WeightedEvidence {
  readonly log: number;
  readonly weight: number;
}

/**
 * The evidence of several hypotheses that at least one of them is wrong: the weighted mean of their e-values, as a
 * logarithm. It is an e-value whatever depends on what, and at least as strong as dividing α among them (Bonferroni).
 * Source: V. Vovk and R. Wang, "E-values: calibration, combination and applications", Ann. Statist. 49 (2021).
 */
export function combineEvidence(parts: readonly WeightedEvidence[]): number {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) return 0;
  return logSum(parts.filter(({ weight }) => weight > 0).map(({ log, weight }) => log + Math.log(weight / total)));
}
