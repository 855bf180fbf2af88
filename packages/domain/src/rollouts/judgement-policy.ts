import type { Analysis } from "./analysis.ts";

/** How a rollout is judged. */
export interface JudgementPolicy {
  readonly analyses: readonly Analysis[];
  /**
   * The probability that a new version which is not worse is ever rolled back, over the whole rollout, all analyses and
   * tenants, however often it is looked at.
   */
  readonly alpha: number;
  /** Requests that the new version must have had in a step before the step can pass. */
  readonly minimumSamples: number;
  /** Steps in which the versions are compared: latencies are judged in each anew, and share α among them. */
  readonly steps: number;
}
