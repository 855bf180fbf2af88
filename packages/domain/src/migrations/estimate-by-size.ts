/** Rows a second that a release changes on a fast, and on a slow server; stated, not measured on this one. */
const FAST = 200_000;
const SLOW = 5_000;
/** What a release takes besides its rows: a process asked, locks, a few transactions. Milliseconds. */
const LEAST_MS = 100;
const MOST_MS = 5_000;

/** A range that is wide on purpose: for a move that nobody made before. `hops` are the releases on the way. */
export function estimateBySize({ rows, hops }: { rows: number; hops: number }): { lowMs: number; highMs: number } {
  return {
    lowMs: Math.round(hops * (LEAST_MS + (rows / FAST) * 1_000)),
    highMs: Math.round(hops * (MOST_MS + (rows / SLOW) * 1_000)),
  };
}
