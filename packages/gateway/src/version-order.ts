import { compareVersions, parseVersion } from "@aibos/domain";

/** Pairs of versions whose order is kept: 100,000 routes have the same few, and reading a version takes its time. */
const MOST_KEPT = 10_000;
const kept = new Map<string, number>();

/** Whether `a` is older (below 0) or newer than `b`. @throws InvalidIdentifierError */
export function compareNames(a: string, b: string): number {
  const pair = `${a} ${b}`;
  const known = kept.get(pair);
  if (known !== undefined) return known;
  const order = compareVersions(parseVersion(a), parseVersion(b));
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(pair, order);
  return order;
}
