/**
 * Which of `total` equal parts a hash falls in: floor(hash × total / 2^32), as flagd's fractional operation, version 2.
 * Exact for totals below 2^31: the product of both needs 63 bits, so it is made in halves that a double holds.
 */
export function bucketOf(hash: number, total: number): number {
  const high = (hash >>> 16) * total;
  const low = Math.floor(((hash & 0xffff) * total) / 0x10000);
  return Math.floor((high + low) / 0x10000);
}

/** Parts of a percentage rollout: a percentage has three decimals. */
export const ROLLOUT_PARTS = 100_000;
