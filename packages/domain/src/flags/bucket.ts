/**
 * Which of `total` equal parts a hash falls in: floor(hash × total / 2^32), as flagd's fractional operation, version 2.
 * Exact for totals below 2^31: the product of both needs 63 bits, so it is made in halves that a double holds.
 */
export function bucketOf(hash: number, total: number): number {
  const high = (hash >>> 16) * total;
  const low = Math.floor(((hash & 0xffff) * total) / 0x10000);
  return Math.floor((high + low) / 0x10000);
}

/**
 * The hash below which `bucketOf(hash, total)` is less than `parts`: floor(x) < n means x < n where n is whole, so that
 * one comparison says who is in. Exact: parts × 2^32 is below 2^53.
 */
export function hashLimit(parts: number, total: number): number {
  const product = parts * 0x1_0000_0000;
  const rest = product % total;
  return (product - rest) / total + (rest === 0 ? 0 : 1);
}

/** Parts of a percentage rollout: a percentage has three decimals. */
export const ROLLOUT_PARTS = 100_000;
