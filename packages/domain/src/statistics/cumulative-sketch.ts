import type { LatencySketch } from "../measurements/latency-sketch.ts";

/** A sketch's counts added up from below: how many latencies are in any bucket and those before it. */
export interface CumulativeSketch {
  readonly total: number;
  /** The first and the last bucket that is not empty; of an empty sketch, 0 and −1. */
  readonly first: number;
  readonly last: number;
  /** How many latencies are in bucket `index` and those below. */
  upTo(index: number): number;
}

export function cumulate(sketch: LatencySketch): CumulativeSketch {
  const used = [...sketch].sort(([a], [b]) => a - b);
  const first = used[0]?.[0] ?? 0;
  const last = used.at(-1)?.[0] ?? -1;
  const sums = new Float64Array(last - first + 1);
  for (const [index, count] of used) sums[index - first] = count;
  for (let at = 1; at < sums.length; at += 1) sums[at] = (sums[at] ?? 0) + (sums[at - 1] ?? 0);
  const total = sums.at(-1) ?? 0;
  return {
    total,
    first,
    last,
    upTo: (index) => (index < first ? 0 : index >= last ? total : (sums[index - first] ?? 0)),
  };
}
