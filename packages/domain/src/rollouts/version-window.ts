import { type LatencySketch, mergeSketches } from "../measurements/latency-sketch.ts";

/** What one version did for one tenant in a window of time. Plain data, which is stored as JSON. */
export interface VersionWindow {
  readonly requests: number;
  readonly errors: number;
  /** A latency sketch as a list: counts by bucket, in the order of the buckets. */
  readonly latency: LatencyList;
}

type LatencyList = readonly (readonly [bucket: number, count: number])[];

export const EMPTY_WINDOW: VersionWindow = { requests: 0, errors: 0, latency: [] };

/** What happened in all of the windows together. */
export function addWindows(windows: readonly VersionWindow[]): VersionWindow {
  return windows.reduce(
    (sum, window) => ({
      requests: sum.requests + window.requests,
      errors: sum.errors + window.errors,
      latency: mergeLists(sum.latency, window.latency),
    }),
    EMPTY_WINDOW,
  );
}

/** What happened in a window besides a part of it that is known already. */
export function withoutPart(whole: VersionWindow, part: VersionWindow): VersionWindow {
  const latency: (readonly [bucket: number, count: number])[] = [];
  let at = 0;
  for (const entry of whole.latency) {
    const [bucket, count] = entry;
    while ((part.latency[at]?.[0] ?? Number.POSITIVE_INFINITY) < bucket) at += 1;
    const known = part.latency[at];
    if (known?.[0] !== bucket) latency.push(entry);
    else if (count > known[1]) latency.push([bucket, count - known[1]]);
  }
  return { requests: whole.requests - part.requests, errors: whole.errors - part.errors, latency };
}

/** The latencies of all of the windows. */
export function sketchOf(windows: readonly VersionWindow[]): LatencySketch {
  return mergeSketches(windows.map(({ latency }) => new Map(latency)));
}

/** The list of a sketch. */
export function listLatencies(sketch: LatencySketch): LatencyList {
  return [...sketch].sort(([a], [b]) => a - b);
}

/** In one walk over both: it is done for each window of each tenant. */
function mergeLists(a: LatencyList, b: LatencyList): LatencyList {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const merged: (readonly [number, number])[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [one, other] = [a[i], b[j]];
    if (one === undefined || other === undefined) {
      merged.push(...(one === undefined ? b.slice(j) : a.slice(i)));
      return merged;
    }
    if (one[0] === other[0]) merged.push([one[0], one[1] + other[1]]);
    else merged.push(one[0] < other[0] ? one : other);
    if (one[0] <= other[0]) i += 1;
    if (other[0] <= one[0]) j += 1;
  }
}
