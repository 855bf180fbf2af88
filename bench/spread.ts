/** Figures of many rounds of the same work. */
export interface Spread {
  readonly min: number;
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
}

/** Sums up rounds by nearest rank. @throws RangeError without rounds */
export function spreadOf(rounds: readonly number[]): Spread {
  const sorted = rounds.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    if (value === undefined) throw new RangeError("There are no rounds to sum up.");
    return value;
  };
  return { min: at(0), p10: at(0.1), median: at(0.5), p90: at(0.9) };
}
