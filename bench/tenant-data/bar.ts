import { type Spread, spreadOf } from "../spread.ts";

/** How much of a benchmark is run: `short` tries once, on little, that all of it works. */
export type Extent = "short" | "usual" | "long";

/** A promise of speed and what was measured of it. */
export interface Bar {
  readonly promise: string;
  /** Of ratios of the same round, or of milliseconds. */
  readonly measured: Spread;
  readonly unit: "×" | "ms";
  /** The median must not be above. */
  readonly most: number;
}

/** Ours by the peer's of the same round. */
export function ratiosOf(ours: readonly number[], peers: readonly number[]): Spread {
  return spreadOf(ours.map((one, round) => one / (peers[round] ?? Number.NaN)));
}

export function describeBar({ promise, measured, unit, most }: Bar): string {
  const { median, p10, p90 } = measured;
  const met = median <= most ? "met   " : "MISSED";
  const digits = unit === "ms" ? 1 : 2;
  const figures = `${median.toFixed(digits)} ${unit} (${p10.toFixed(digits)} to ${p90.toFixed(digits)})`;
  return `${met}  ${promise.padEnd(66)} ${figures.padEnd(26)} at most ${most.toFixed(digits)} ${unit}`;
}

export function describeTimes(name: string, ms: readonly number[], peers?: readonly number[]): string {
  const { min, median, p90 } = spreadOf(ms);
  const figures = `${name.padEnd(40)} ${median.toFixed(1)} ms (${min.toFixed(1)} to ${p90.toFixed(1)})`;
  if (peers === undefined) return figures;
  const ratio = ratiosOf(ms, peers);
  return `${figures}   ${ratio.median.toFixed(2)} × (${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)})`;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
