/** What a part of the test came to. */
export interface PartResult {
  /** What did not hold; nothing when all did. */
  readonly problems: readonly string[];
  readonly figures: readonly string[];
}

/** "median …, p99 …, most … (count)" of numbers, in a unit. */
export function spreadOf(values: readonly number[], unit: string): string {
  const inOrder = values.toSorted((a, b) => a - b);
  const at = (share: number): string => {
    const value = inOrder[Math.min(inOrder.length - 1, Math.floor(share * inOrder.length))];
    return value === undefined ? "none" : `${Math.round(value * 10) / 10} ${unit}`;
  };
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} (${inOrder.length})`;
}

/** The first of many, and how many more there are. */
export function firstOf(texts: readonly string[], most = 20): string[] {
  return texts.length <= most ? [...texts] : [...texts.slice(0, most), `and ${texts.length - most} more`];
}
