import type { Interval } from "../statistics/rate-interval.ts";
import type { MannWhitney } from "../statistics/mann-whitney.ts";
import type { Analysis } from "./analysis.ts";

/**
 * `fail`: worse than is tolerated, with as much evidence as is asked for. `no-traffic`: one of the versions had no
 * request in this step. `inconclusive`: too few requests yet, or evidence that is worth waiting for. `pass`: none of it.
 */
export type Verdict = "pass" | "fail" | "inconclusive" | "no-traffic";

/** What one analysis says of one tenant, or of all together. */
export interface AnalysisVerdict {
  readonly name: string;
  readonly level: Analysis["level"];
  readonly measure: Analysis["measure"];
  readonly verdict: Verdict;
  /** The numbers that were compared, in this step; null without requests. */
  readonly old: number | null;
  readonly fresh: number | null;
  /** A confidence sequence at 1 − α of how much higher the new version's number is; null where there is none. */
  readonly interval: Interval | null;
  /** Requests, or windows of a paired number, in this step. */
  readonly samples: { readonly old: number; readonly fresh: number };
  /** Logarithm of the e-value since the rollout began, and of what is needed to fail. */
  readonly evidence: number;
  readonly needed: number;
  /** Of the step's windows, from four on: for people, at the time that they look; it decides nothing. */
  readonly report: MannWhitney | null;
  /** One sentence with the numbers. */
  readonly sentence: string;
}

/** What is said of a rollout at a moment. */
export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence with the numbers, for people. */
  readonly sentence: string;
  /** Logarithm of the evidence of all critical analyses together, and of what is needed to fail. */
  readonly evidence: number;
  readonly needed: number;
  readonly analyses: readonly AnalysisVerdict[];
  /** Tenants for which the new version fails by themselves, each with its sentence. */
  readonly failedTenants: readonly { readonly tenant: string; readonly sentence: string }[];
}
