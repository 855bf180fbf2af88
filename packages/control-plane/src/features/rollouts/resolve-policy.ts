import {
  brokenPolicyRules,
  type RolloutAnalysis,
  type RolloutPolicy,
  RolloutPolicyInvalidError,
  rolloutPolicySchema,
} from "@aibos/contract";
import type { Analysis, JudgementPolicy, Measure, RolloutCourse } from "@aibos/domain";

/** Shares of the steps when only the time is given, in percent. */
const AUTOMATIC = [1, 5, 10, 25, 50];

/** One step as it is carried out. */
export interface ResolvedStep {
  readonly weight: number;
  readonly holdSeconds: number;
  readonly minimumSamples: number;
  readonly gates: RolloutPolicy["promotionGates"];
}

/**
 * The policy of one rollout: what it says itself, before what is said for the tenant, before what the release's manifest
 * says, before what is usual; field by field.
 *
 * @throws RolloutPolicyInvalidError when the fields don't fit together
 */
export function resolvePolicy(...layers: readonly (Partial<RolloutPolicy> | undefined)[]): RolloutPolicy {
  const policy = rolloutPolicySchema.parse(Object.assign({}, ...layers.toReversed()));
  const problems = [...brokenPolicyRules(policy)];
  if (problems.length > 0) throw new RolloutPolicyInvalidError(problems);
  return policy;
}

/** The steps before the promotion. */
export function stepsOf({ steps, targetSeconds, minimumSamples }: RolloutPolicy): ResolvedStep[] {
  if (steps !== undefined)
    return steps.map((step) => ({ ...step, minimumSamples: step.minimumSamples ?? minimumSamples }));
  const holdSeconds = Math.round(targetSeconds / AUTOMATIC.length);
  return AUTOMATIC.map((weight) => ({ weight, holdSeconds, minimumSamples, gates: [] }));
}

export function courseOf(policy: RolloutPolicy): RolloutCourse {
  return {
    steps: stepsOf(policy).map(({ weight, holdSeconds }) => ({ weight, holdMs: holdSeconds * 1_000 })),
    passes: policy.passes,
    onFailure: policy.onFailure,
    onInconclusive: policy.onInconclusive === "advance" ? "advance" : "hold",
    onNoTraffic: policy.onNoTraffic === "advance" ? "advance" : "hold",
  };
}

/** How the step with this number is judged. */
export function judgementPolicyOf(policy: RolloutPolicy, step: number): JudgementPolicy {
  const steps = stepsOf(policy);
  return {
    analyses: policy.analyses.map(analysisOf),
    alpha: policy.alpha,
    minimumSamples: steps[Math.min(step, steps.length - 1)]?.minimumSamples ?? policy.minimumSamples,
    steps: steps.length,
  };
}

function analysisOf({ name, level, tolerance, weight, ...rest }: RolloutAnalysis): Analysis {
  return { name, level, tolerance, weight, measure: measureOf(rest) };
}

function measureOf({ metric, quantile = 0.95, unit }: Pick<RolloutAnalysis, "metric" | "quantile" | "unit">): Measure {
  switch (metric) {
    case "error-rate":
      return { kind: "error-rate" };
    case "latency":
      return { kind: "latency", quantile };
    case "cpu":
      return { kind: "paired", unit: "ms of processor time a request" };
    case "prometheus":
    case "webhook":
      return { kind: "paired", unit };
  }
}
