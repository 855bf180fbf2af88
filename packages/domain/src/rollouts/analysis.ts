import type { Tolerance } from "../statistics/tolerance.ts";

/**
 * One thing that is watched while a version gets traffic. `critical`: it can undo the rollout; `warn`: it is told of
 * and never undoes anything; `dry-run`: it is recorded for whoever tries it out.
 */
export interface Analysis {
  /** Unique among a rollout's analyses. */
  readonly name: string;
  readonly level: "critical" | "warn" | "dry-run";
  readonly measure: Measure;
  /** How much worse the new version may be. In the measure's unit: a share of requests, milliseconds, … */
  readonly tolerance: Tolerance;
  /** This analysis' part of the false alarms that are allowed, relative to the others'. */
  readonly weight: number;
}

/**
 * What is compared: the share of requests that failed; a quantile of the time that requests took; or one number for
 * each version and window, such as processor time (higher is worse).
 */
export type Measure =
  | { readonly kind: "error-rate" }
  | { readonly kind: "latency"; readonly quantile: number }
  | { readonly kind: "paired"; readonly unit: string };
