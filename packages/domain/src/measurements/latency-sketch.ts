import { bucketLatency, latencyBucket } from "./latency-buckets.ts";

/**
 * How many latencies fell into each bucket: count by index, as `latencyBucket` gives it. Counts are positive integers.
 * Sketches of parts (gateways, minutes, tenants) merge into exactly the sketch of the whole.
 */
export type LatencySketch = ReadonlyMap<number, number>;

/** The sketch of latencies in milliseconds. */
export function sketchLatencies(latencies: Iterable<number>): LatencySketch {
  const sketch = new Map<number, number>();
  for (const latency of latencies) addToBucket(sketch, latencyBucket(latency), 1);
  return sketch;
}

/** The sketch of everything that any of the sketches counted. */
export function mergeSketches(sketches: Iterable<LatencySketch>): LatencySketch {
  const merged = new Map<number, number>();
  for (const sketch of sketches) for (const [index, count] of sketch) addToBucket(merged, index, count);
  return merged;
}

/** How many latencies a sketch counted. */
export function sketchSize(sketch: LatencySketch): number {
  let size = 0;
  for (const count of sketch.values()) size += count;
  return size;
}

/**
 * A quantile in milliseconds, undefined of an empty sketch: within 1 % of the latency that has rank ⌊1 + q (n − 1)⌋
 * when n latencies are put in order (Masson, Rim, Lee 2019, algorithm 2), for latencies that buckets tell apart.
 *
 * @param q from 0 (the shortest) to 1 (the longest)
 */
export function latencyQuantile(sketch: LatencySketch, q: number): number | undefined {
  const rank = q * (sketchSize(sketch) - 1);
  let passed = 0;
  for (const [index, count] of [...sketch].toSorted(([a], [b]) => a - b)) {
    passed += count;
    if (passed > rank) return bucketLatency(index);
  }
  return undefined;
}

function addToBucket(sketch: Map<number, number>, index: number, count: number): void {
  sketch.set(index, (sketch.get(index) ?? 0) + count);
}
