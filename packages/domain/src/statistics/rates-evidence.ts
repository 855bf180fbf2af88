import { logSum } from "./log-sum.ts";
import type { Counts } from "./rate-interval.ts";
import { type Tolerance, tolerated } from "./tolerance.ts";

/**
 * Evidence that a new version's rate (of errors, say) is higher than is tolerated. An e-process, built block by block:
 * a block is what both versions did in the same short time.
 *
 * For one block with n_a and n_b observations, an alternative (θ_a*, θ_b*) that was fixed before the block, and
 * (θ_a°, θ_b°), the point of the hypothesis "θ_b ≤ θ_a (1 + relative) + absolute" that is nearest to it by the blocks'
 * Kullback–Leibler divergence, the likelihood ratio of the two has an expectation of at most 1 whatever point of the
 * hypothesis is true (a half-plane is convex: optimality of the nearest point and the inequality of the means give it).
 * Source: R. J. Turner, A. Ly and P. D. Grünwald, "Generic E-variables for exact sequential k-sample tests that allow
 * for optional stopping", J. Stat. Plan. Inference 230 (2024); R. J. Turner and P. D. Grünwald, "Exact anytime-valid
 * confidence intervals for contingency tables and beyond", Stat. Probab. Lett. 198 (2023).
 *
 * So the product over blocks, looked at whenever one likes, ever reaches 1/α with probability α at most while the new
 * version is not worse. Nothing is assumed about rates staying the same from block to block: a night that is quieter
 * than the day, a failure that hits both versions, and a change of the versions' shares do no harm.
 *
 * Alternatives are several: one follows what was seen so far, others are fixed multiples of what is tolerated, and one
 * bets nothing. The capital is shared out among them anew by a little after each block (M. Herbster and M. Warmuth,
 * "Tracking the best expert", Machine Learning 32, 1998), so that a fault that begins late is found, too.
 */
export interface RatesEvidence {
  /** Logarithms of the alternatives' capital; they add up to the e-value. */
  readonly capital: readonly number[];
  /** What each alternative brought in all blocks when nothing is shared out: adds up over tenants. */
  readonly gains: readonly number[];
  /** What was seen, with less weight the longer ago. */
  readonly old: Counts;
  readonly fresh: Counts;
}

/** What both versions did in the same time. */
export interface RatesBlock {
  readonly old: Counts;
  readonly fresh: Counts;
}

/** By so much an alternative's odds exceed what is tolerated. */
const ODDS = [1.3, 2, 5, 20, 200];
/** One that bets nothing, one that follows what was seen, and the fixed ones. */
const ALTERNATIVES = 2 + ODDS.length;
/** The part of all capital that is shared out anew after each block. */
const SHARED = 0.01;
/** What a block of the past counts after one more. */
const MEMORY = 0.95;
/** Before anything was seen, the old version's rate is taken for this, with the weight of so many observations. */
const GUESS = 0.01;
const GUESS_WEIGHT = 50;

export const NO_RATES_EVIDENCE: RatesEvidence = {
  capital: Array.from({ length: ALTERNATIVES }, () => -Math.log(ALTERNATIVES)),
  gains: Array.from({ length: ALTERNATIVES }, () => 0),
  old: { yes: 0, total: 0 },
  fresh: { yes: 0, total: 0 },
};

/** The evidence after one more block. A block in which one of the versions did nothing says nothing. */
export function observeRates(evidence: RatesEvidence, block: RatesBlock, tolerance: Tolerance): RatesEvidence {
  const { old, fresh } = block;
  const base = (evidence.old.yes + GUESS * GUESS_WEIGHT) / (evidence.old.total + GUESS_WEIGHT);
  const limit = Math.min(tolerated(base, tolerance), 1);
  const seen = (evidence.fresh.yes + base * GUESS_WEIGHT) / (evidence.fresh.total + GUESS_WEIGHT);
  const alternatives = [0, seen, ...ODDS.map((factor) => withOdds(limit, factor))];
  const comparable = old.total > 0 && fresh.total > 0;
  const gains = alternatives.map((alternative) =>
    comparable && alternative > limit ? gain(block, base, Math.min(alternative, 1 - 1e-9), tolerance) : 0,
  );
  const grown = evidence.capital.map((capital, index) => capital + (gains[index] ?? 0));
  const share = logSum(grown) + Math.log(SHARED / ALTERNATIVES);
  return {
    capital: grown.map((capital) => logSum([capital + Math.log1p(-SHARED), share])),
    gains: evidence.gains.map((sum, index) => sum + (gains[index] ?? 0)),
    old: remembered(evidence.old, old),
    fresh: remembered(evidence.fresh, fresh),
  };
}

/** Logarithm of the e-value. */
export function logRatesEvidence({ capital }: RatesEvidence): number {
  return logSum(capital);
}

/**
 * The same for several tenants together: each tenant's blocks are compared within themselves, so that tenants with
 * different rates and different traffic don't pass for a difference between versions.
 */
export function logPooledRatesEvidence(tenants: readonly RatesEvidence[]): number {
  const sums = NO_RATES_EVIDENCE.gains.map((_, index) =>
    tenants.reduce((sum, { gains }) => sum + (gains[index] ?? 0), 0),
  );
  return logSum(sums) - Math.log(ALTERNATIVES);
}

/** What a bet on (base, alternative) brings in a block, as a logarithm. */
function gain({ old, fresh }: RatesBlock, base: number, alternative: number, tolerance: Tolerance): number {
  const nearest = nearestTolerated(old.total, fresh.total, base, alternative, tolerance);
  return logRatio(old, base, nearest) + logRatio(fresh, alternative, Math.min(tolerated(nearest, tolerance), 1));
}

/** The old version's rate at the point of the hypothesis' edge that is nearest to (a, b). */
function nearestTolerated(countA: number, countB: number, a: number, b: number, tolerance: Tolerance): number {
  // The divergence is convex along the edge: its derivative changes its sign once.
  const slope = (p: number): number => {
    const q = tolerated(p, tolerance);
    return (countA * (p - a)) / (p * (1 - p)) + (countB * (1 + tolerance.relative) * (q - b)) / (q * (1 - q));
  };
  let low = 0;
  let high = (1 - tolerance.absolute) / (1 + tolerance.relative);
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function logRatio({ yes, total }: Counts, rate: number, against: number): number {
  const no = total - yes;
  return yes * Math.log(rate / against) + no * (Math.log1p(-rate) - Math.log1p(-against));
}

function withOdds(rate: number, factor: number): number {
  return (rate * factor) / (1 - rate + rate * factor);
}

function remembered(past: Counts, present: Counts): Counts {
  return { yes: past.yes * MEMORY + present.yes, total: past.total * MEMORY + present.total };
}
