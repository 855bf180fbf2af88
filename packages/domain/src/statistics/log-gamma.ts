/** Coefficients of Lanczos' approximation for g = 7 (Godfrey's table): relative error below 1e-15 for positive x. */
const G = 7;
const FIRST = 0.999_999_999_999_809_93;
const COEFFICIENTS = [
  676.520_368_121_885_1, -1_259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_59,
  12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
];
const HALF_LOG_TWO_PI = 0.918_938_533_204_672_7;

/** Logarithm of the gamma function for positive `x`. Source: C. Lanczos, SIAM J. Numer. Anal. B 1 (1964). */
export function logGamma(x: number): number {
  // By reflection: the approximation is for 1/2 and up.
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  const sum = COEFFICIENTS.reduce((total, coefficient, index) => total + coefficient / (z + index + 1), FIRST);
  const t = z + G + 0.5;
  return HALF_LOG_TWO_PI + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Logarithm of the beta function B(a, b) for positive `a` and `b`. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}
