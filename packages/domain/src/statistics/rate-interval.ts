import { logGamma } from "./log-gamma.ts";

/** Yes-or-no observations: how many, and how many of them were a yes (an error, say). */
export interface Counts {
  readonly yes: number;
  readonly total: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * A confidence sequence for one rate: at all times together, it holds the true rate with probability 1 − `alpha`.
 * Source: H. Robbins, Ann. Math. Statist. 41 (1970): the rates p for which (n + 1) C(n, k) pᵏ (1 − p)ⁿ⁻ᵏ > α.
 */
export function rateInterval({ yes, total }: Counts, alpha: number): Interval {
  const no = total - yes;
  const constant = Math.log(total + 1) + logGamma(total + 1) - logGamma(yes + 1) - logGamma(no + 1) - Math.log(alpha);
  const inside = (p: number): boolean => constant + times(yes, Math.log(p)) + times(no, Math.log1p(-p)) > 0;
  const estimate = total === 0 ? 0.5 : yes / total;
  return {
    low: inside(0) ? 0 : edge(0, estimate, inside),
    high: inside(1) ? 1 : edge(1, estimate, inside),
  };
}

/**
 * A confidence sequence for how much larger the new rate is, as a share of 1: each rate's own, put together. Wider than
 * need be, which errs on the safe side; verdicts rest on `rates-evidence.ts`.
 */
export function rateDifferenceInterval(old: Counts, fresh: Counts, alpha: number): Interval {
  const a = rateInterval(old, alpha / 2);
  const b = rateInterval(fresh, alpha / 2);
  return { low: b.low - a.high, high: b.high - a.low };
}

/** Where between a point outside and one inside the interval ends. */
function edge(outside: number, within: number, inside: (p: number) => boolean): number {
  let [out, into] = [outside, within];
  for (let step = 0; step < 60; step += 1) {
    const middle = (out + into) / 2;
    if (inside(middle)) into = middle;
    else out = middle;
  }
  return out;
}

/** Nothing times minus infinity is nothing here. */
function times(count: number, log: number): number {
  return count === 0 ? 0 : count * log;
}
