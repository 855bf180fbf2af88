/** One look at something that should not grow. */
export interface Look {
  /** Seconds since the watch began. */
  readonly at: number;
  readonly value: number;
}

/** How something changed over a time, with the interval that holds the true slope in 95 of 100 cases. A second's change. */
export interface Growth {
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** The quantile of the normal distribution that leaves 2.5 % at each side. */
const Z = 1.96;

/**
 * The Theil-Sen slope, the median of the slopes between all pairs, with Sen's interval from Kendall's statistic: a few
 * looks that fell into a busy moment move neither. P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's
 * Tau", Journal of the American Statistical Association 63 (1968), 1379–1389.
 *
 * @throws RangeError with fewer than five looks, which no interval can be told from
 */
export function growthOf(looks: readonly Look[]): Growth {
  const n = looks.length;
  if (n < 5) throw new RangeError(`A slope needs five looks or more, not ${n}.`);
  const slopes = looks
    .flatMap((later, index) =>
      looks.slice(0, index).map((earlier) => (later.value - earlier.value) / (later.at - earlier.at)),
    )
    .toSorted((a, b) => a - b);
  const last = slopes.length - 1;
  const at = (rank: number): number => slopes[Math.min(last, Math.max(0, rank))] ?? Number.NaN;
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  return {
    slope: (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2,
    low: at(Math.floor((slopes.length - spread) / 2)),
    high: at(Math.ceil((slopes.length + spread) / 2)),
  };
}

/** Whether it grows for certain, and by more than is let pass in the time that was watched. */
export function isGrowing(looks: readonly Look[], letPass: number): boolean {
  const watched = (looks.at(-1)?.at ?? 0) - (looks[0]?.at ?? 0);
  return growthOf(looks).low * watched > letPass;
}
