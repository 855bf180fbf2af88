import type { Logger } from "pino";
import { deploymentKey, type ProcessUsage, type RuntimeDriver } from "../../runtime/runtime-driver.ts";
import type { MeasurementStore, UsageRow } from "./measurement-store.ts";
import { SPAN_MS } from "./spans.ts";

export interface UsageSampler {
  close(): Promise<void>;
}

/** Looks every ten seconds at what the processes of this control plane use, and keeps it. */
export function startUsageSampler(options: {
  driver: Pick<RuntimeDriver, "usage">;
  store: Pick<MeasurementStore, "addUsage">;
  log: Logger;
  everyMs?: number;
}): UsageSampler {
  const { driver, store, log, everyMs = SPAN_MS["10s"] } = options;
  let last = new Map<string, ProcessUsage>();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function sample(): Promise<void> {
    try {
      const usages = await driver.usage();
      const rows = usages.flatMap((usage) => rowOf(last.get(deploymentKey(usage)), usage) ?? []);
      if (rows.length > 0) await store.addUsage(rows);
      // Only now: what was not kept is part of what is kept next.
      last = new Map(usages.map((usage) => [deploymentKey(usage), usage]));
    } catch (error) {
      if (!closed) log.warn({ error }, "what processes use was not kept; trying again");
    }
    if (!closed) schedule();
  }

  function schedule(): void {
    timer = setTimeout(() => void (round = sample()), everyMs);
  }
  let round = sample();

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await round;
    },
  };
}

/** What was used between two looks; undefined at the first one, and when it is another process than before. */
function rowOf(before: ProcessUsage | undefined, usage: ProcessUsage): UsageRow | undefined {
  if (before === undefined || before.process !== usage.process) return undefined;
  return {
    module: usage.module,
    version: usage.version,
    cpuMs: Math.max(0, usage.cpuMs - before.cpuMs),
    observedMs: usage.at - before.at,
    memoryBytes: usage.memoryBytes,
  };
}
