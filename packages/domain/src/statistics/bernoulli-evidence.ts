import { logIncompleteBeta } from "./incomplete-beta.ts";
import { logBeta } from "./log-gamma.ts";

/** What the prior is worth unless told: evidence is strongest for deviations that show within a thousand or so. */
const PRIOR = 100;

/**
 * Evidence that the probability of a yes is above, or below, `p`: the logarithm of an e-value for the hypothesis that
 * it is not. Anytime-valid: while the hypothesis holds, it ever reaches log(1/α) with probability α at most, however
 * often somebody looks and whenever they stop. It needs the counts alone, so that parts of the data can be merged.
 *
 * It is the likelihood ratio against `p`, averaged over the alternatives on one side with a beta prior around `p`.
 * Source: H. Robbins, Ann. Math. Statist. 41 (1970); S. R. Howard and A. Ramdas, "Sequential estimation of quantiles
 * with applications to A/B testing and best-arm identification", Bernoulli 28 (2022), the beta-binomial mixture.
 *
 * @param yes of `total` observations; `p` is between 0 and 1, both excluded
 * @param prior how many observations the prior is worth: the fewer, the larger the deviations that it expects
 */
export function bernoulliEvidence(
  yes: number,
  total: number,
  p: number,
  side: "above" | "below",
  prior: number = PRIOR,
): number {
  // "Above p" of yes is "below 1 - p" of no.
  return side === "below" ? below(yes, total, p, prior) : below(total - yes, total, 1 - p, prior);
}

function below(yes: number, total: number, p: number, prior: number): number {
  const a = prior * p;
  const b = prior * (1 - p);
  const no = total - yes;
  return (
    logIncompleteBeta(p, a + yes, b + no) +
    logBeta(a + yes, b + no) -
    logIncompleteBeta(p, a, b) -
    logBeta(a, b) -
    yes * Math.log(p) -
    no * Math.log1p(-p)
  );
}
