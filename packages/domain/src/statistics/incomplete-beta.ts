import { logBeta } from "./log-gamma.ts";

const TINY = 1e-300;
const ENOUGH = 1e-14;
const MOST_TERMS = 100_000;

/**
 * Logarithm of the regularised incomplete beta function I_x(a, b): how likely a Beta(a, b) variable is at most `x`.
 * In logarithms throughout, since far tails, which strong evidence is about, have no room in a double.
 *
 * Source: the continued fraction of DLMF 8.17.22, evaluated by Lentz's method.
 */
export function logIncompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return Number.NEGATIVE_INFINITY;
  if (x >= 1) return 0;
  const front = a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b);
  // The fraction converges fast on this side of the mean; the other side is the rest to 1.
  if (x <= (a + 1) / (a + b + 2)) return Math.min(0, front + Math.log(fraction(x, a, b) / a));
  const rest = Math.exp(front + Math.log(fraction(1 - x, b, a) / b));
  return Math.log1p(-Math.min(rest, 1));
}

function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= MOST_TERMS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < ENOUGH) break;
  }
  return value;
}

/** Lentz's method must not divide by nothing. */
function away(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
