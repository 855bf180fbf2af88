import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlaneProcess } from "../../scripts/crash-test/control-plane-process.ts";

/** What came of upgrading a fleet. Times are in milliseconds, memory in bytes. */
export interface FleetRun {
  readonly seconds: number;
  readonly moved: number;
  /** By how much the largest control plane's memory grew. */
  readonly memoryGrowth: number;
  /** Of the calls that a person who watches makes, while it ran. */
  readonly listingMs: readonly number[];
  readonly progressMs: readonly number[];
  /** Seconds of processor time of each control plane. */
  readonly cpuSeconds: readonly number[];
}

const WATCH_MS = 500;

/** Moves all tenants with a label to 2.0.0, so many at once in each control plane, and watches. */
export async function runFleet(
  planes: readonly [ControlPlaneProcess, ...ControlPlaneProcess[]],
  how: { label: string; tenants: number; concurrency: number },
): Promise<FleetRun> {
  const [{ service }] = planes;
  const before = await Promise.all(planes.map(({ pid }) => usageOf(pid)));
  let highest = before.map(({ memory }) => memory);
  const [listingMs, progressMs]: [number[], number[]] = [[], []];
  const started = performance.now();
  const { id } = await service.startFleetUpgrade("ledger", "2.0.0", {
    labels: { bench: how.label },
    batchSize: how.tenants,
    concurrency: how.concurrency,
    waves: [{ upTo: 100, soakSeconds: 0 }],
  });
  for (;;) {
    let at = performance.now();
    const fleet = await service.getFleetUpgrade(id);
    progressMs.push(performance.now() - at);
    if (fleet.finishedAt !== null || fleet.status === "halted") {
      const seconds = (performance.now() - started) / 1_000;
      const after = await Promise.all(planes.map(({ pid }) => usageOf(pid)));
      return {
        seconds,
        moved: fleet.counts["moved"] ?? 0,
        memoryGrowth: Math.max(...highest.map((most, index) => most - (before[index]?.memory ?? 0))),
        listingMs,
        progressMs,
        cpuSeconds: after.map(({ cpu }, index) => cpu - (before[index]?.cpu ?? 0)),
      };
    }
    at = performance.now();
    await service.listFleetUpgrades({ limit: 20 });
    listingMs.push(performance.now() - at);
    const now = await Promise.all(planes.map(({ pid }) => usageOf(pid)));
    highest = highest.map((most, index) => Math.max(most, now[index]?.memory ?? 0));
    // Late by half this much at most.
    await sleep(how.tenants < 200 ? 100 : WATCH_MS);
  }
}

/** Resident memory in bytes, and processor time in seconds. */
async function usageOf(pid: number): Promise<{ memory: number; cpu: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1_024, cpu: ticks / 100 };
}
