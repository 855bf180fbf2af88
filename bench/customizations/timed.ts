import { spreadOf } from "../spread.ts";

/** Milliseconds of the clock and of this process's CPU. */
export interface Cost {
  readonly clock: number;
  readonly cpu: number;
}

export async function costOf(work: () => unknown): Promise<Cost> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const used = process.cpuUsage(cpu);
  return { clock: performance.now() - start, cpu: (used.user + used.system) / 1_000 };
}

export function describeCosts(name: string, costs: readonly Cost[], bar?: number): string {
  const clock = spreadOf(costs.map((one) => one.clock));
  const cpu = spreadOf(costs.map((one) => one.cpu));
  const figures = `${clock.median.toFixed(1)} ms (${clock.min.toFixed(1)} to ${clock.p90.toFixed(1)})`;
  const met = bar === undefined ? "" : `   bar ${bar} ms: ${clock.median <= bar ? "met" : "MISSED"}`;
  return `${name.padEnd(52)} ${figures.padEnd(34)} CPU ${cpu.median.toFixed(1)} ms${met}`;
}
