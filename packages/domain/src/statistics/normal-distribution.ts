/**
 * How likely a standard normal variable is at most `z`: absolute error below 1.5e-15.
 * Source: Marsaglia's series, "Evaluating the Normal Distribution", J. Stat. Software 11 (2004), and beyond it the
 * continued fraction of the tail (DLMF 7.9.3).
 */
export function normalCdf(z: number): number {
  if (z > 0) return 1 - normalCdf(-z);
  if (z < -5) return tail(-z);
  let term = z;
  let sum = z;
  for (let i = 3; Math.abs(term) > 1e-18; i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + sum * density(z);
}

/** The `z` below which a standard normal variable is with probability `p`. */
export function normalQuantile(p: number): number {
  let low = -40;
  let high = 40;
  while (high - low > 1e-13) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

function tail(z: number): number {
  let value = z;
  for (let n = 60; n >= 1; n -= 1) value = z + n / value;
  return density(z) / value;
}
