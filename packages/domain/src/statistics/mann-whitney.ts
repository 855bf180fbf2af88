import { normalCdf, normalQuantile } from "./normal-distribution.ts";
import type { Interval } from "./rate-interval.ts";
import { wilcoxonDistribution } from "./wilcoxon-distribution.ts";

/** What Mann and Whitney's test says of two samples. */
export interface MannWhitney {
  /** Pairs in which `fresh` is larger, ties counting half. */
  readonly u: number;
  /** Two-sided. */
  readonly pValue: number;
  /** Hodges and Lehmann's estimate of how much larger `fresh` is: the median of all differences. */
  readonly shift: number;
  /** Confidence interval of the shift. */
  readonly interval: Interval;
  /** Cliff's delta, from −1 to 1: how much more often `fresh` is the larger one than the smaller one. */
  readonly effect: number;
  readonly method: "exact" | "normal";
}

/** Below this size of both samples, and without ties, the exact distribution is used. */
const EXACT_BELOW = 50;

/**
 * Mann and Whitney's test with Hodges and Lehmann's interval, for a report at a time that was fixed beforehand; it is
 * not anytime-valid. Numbers are those of R's `wilcox.test(fresh, old, conf.int = TRUE)`.
 * Source: M. Hollander, D. A. Wolfe and E. Chicken, "Nonparametric Statistical Methods" (2014), chapter 4.
 *
 * @param confidence of the interval, such as 0.95; both samples must have at least one value
 */
export function mannWhitney(fresh: readonly number[], old: readonly number[], confidence: number): MannWhitney {
  const samples: Samples = { x: fresh, y: old };
  const { u, ties } = rankSum(samples, 0);
  const effect = (2 * u) / (fresh.length * old.length) - 1;
  const exact = fresh.length < EXACT_BELOW && old.length < EXACT_BELOW && ties === 0;
  return exact
    ? { u, effect, method: "exact", ...exactly(samples, u, 1 - confidence) }
    : { u, effect, method: "normal", ...nearly(samples, 1 - confidence) };
}

interface Samples {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

type Parts = Pick<MannWhitney, "pValue" | "shift" | "interval">;

function exactly({ x, y }: Samples, u: number, alpha: number): Parts {
  const pairs = x.length * y.length;
  const distribution = wilcoxonDistribution(x.length, y.length);
  const tail = u > pairs / 2 ? 1 - distribution.upTo(u - 1) : distribution.upTo(u);
  const differences = x.flatMap((a) => y.map((b) => a - b)).sort((a, b) => a - b);
  const cut = Math.max(1, distribution.quantile(alpha / 2));
  return {
    pValue: Math.min(1, 2 * tail),
    shift: ((differences[Math.ceil(pairs / 2) - 1] ?? 0) + (differences[Math.floor(pairs / 2)] ?? 0)) / 2,
    interval: { low: differences[cut - 1] ?? 0, high: differences[pairs - cut] ?? 0 },
  };
}

/** By the normal distribution, with corrections for ties and continuity. */
function nearly(samples: Samples, alpha: number): Parts {
  const { x, y } = samples;
  const [least, most] = [extreme(x, Math.min) - extreme(y, Math.max), extreme(x, Math.max) - extreme(y, Math.min)];
  const score = (shift: number, correction: number): number => {
    const { u, ties } = rankSum(samples, shift);
    const [m, n] = [x.length, y.length];
    const all = m + n;
    const sigma = Math.sqrt(((m * n) / 12) * (all + 1 - ties / (all * Math.max(1, all - 1))));
    const z = u - (m * n) / 2;
    return sigma === 0 ? 0 : (z - Math.sign(z) * correction) / sigma;
  };
  /** The least shift for which the score, which falls with it, fulfils a condition; the largest one, if none does. */
  const where = (fulfils: (shift: number) => boolean): number => {
    if (fulfils(least)) return least;
    let [low, high] = [least, most];
    for (let step = 0; step < 60; step += 1) {
      const middle = (low + high) / 2;
      if (fulfils(middle)) high = middle;
      else low = middle;
    }
    return high;
  };
  const root = (value: number): number => where((shift) => score(shift, 0.5) <= value);
  const z = normalQuantile(1 - alpha / 2);
  return {
    pValue: Math.min(1, 2 * normalCdf(-Math.abs(score(0, 0.5)))),
    // The score may be 0 from one difference to the next: their middle is the median.
    shift: (where((shift) => score(shift, 0) <= 0) + where((shift) => score(shift, 0) < 0)) / 2,
    interval: { low: root(z), high: root(-z) },
  };
}

/** U of `x − shift` over `y`, and the sum of t³ − t over groups of t equal values. */
function rankSum({ x, y }: Samples, shift: number): { u: number; ties: number } {
  const values = [...x.map((value) => ({ value: value - shift, own: 1 })), ...y.map((value) => ({ value, own: 0 }))];
  values.sort((a, b) => a.value - b.value);
  let ranks = 0;
  let ties = 0;
  for (let from = 0; from < values.length;) {
    let to = from;
    let own = 0;
    while (to < values.length && values[to]?.value === values[from]?.value) {
      own += values[to]?.own ?? 0;
      to += 1;
    }
    ranks += own * ((from + 1 + to) / 2);
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  return { u: ranks - (x.length * (x.length + 1)) / 2, ties };
}

function extreme(values: readonly number[], pick: (a: number, b: number) => number): number {
  return values.reduce((found, value) => pick(found, value));
}
