/** A sketch's counts added up from below: how many latencies are in any bucket and those before it. */
export interface CumulativeSketch {
  readonly total: number;
  /** The first and the last bucket that is not empty; of an empty sketch, 0 and −1. */
  readonly first: number;
  readonly last: number;
  /** How many latencies are in bucket `index` and those below. */
  upTo(index: number): number;
}

/**
 * @param sketches which are walked through twice; counts of the same bucket are added up
 */
export function cumulate(...sketches: readonly Iterable<readonly [bucket: number, count: number]>[]): CumulativeSketch {
  let [first, last] = [Number.POSITIVE_INFINITY, -1];
  for (const sketch of sketches) {
    for (const entry of sketch) {
      if (entry[0] < first) first = entry[0];
      if (entry[0] > last) last = entry[0];
    }
  }
  if (last < 0) first = 0;
  const sums = new Float64Array(last - first + 1);
  for (const sketch of sketches) {
    for (const entry of sketch) sums[entry[0] - first] = (sums[entry[0] - first] ?? 0) + entry[1];
  }
  for (let at = 1; at < sums.length; at += 1) sums[at] = (sums[at] ?? 0) + (sums[at - 1] ?? 0);
  const total = sums.at(-1) ?? 0;
  return {
    total,
    first,
    last,
    upTo: (index) => (index < first ? 0 : index >= last ? total : (sums[index - first] ?? 0)),
  };
}
