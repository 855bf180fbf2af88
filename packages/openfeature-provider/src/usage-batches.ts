import type { FlagUsageBatch } from "@aibos/contract";
import type { FlagResult } from "@aibos/domain";

const SEND_MS = 10_000;

/** Counts results, which are shared objects, and sends the sums now and then: one look-up an evaluation. */
export interface UsageBatches {
  count(key: string, result: FlagResult): void;
  /** Sends what was counted until now. */
  send(): Promise<void>;
  close(): Promise<void>;
}

export function createUsageBatches(report: (batch: FlagUsageBatch) => Promise<void>): UsageBatches {
  let counts = new Map<FlagResult, { key: string; evaluations: number }>();
  const timer = setInterval(() => void send(), SEND_MS);
  timer.unref();

  async function send(): Promise<void> {
    if (counts.size === 0) return;
    const sent = counts;
    counts = new Map();
    const versions = Map.groupBy(sent, ([{ flagMetadata }]) => flagMetadata.flagSetVersion);
    for (const [version, entries] of versions) {
      const rows = entries.map(([{ variant = "" }, { key, evaluations }]) => ({ flag: key, variant, evaluations }));
      // Counts that can't be sent are lost: they are statistics, and memory is not theirs.
      await report({ version, counts: rows.slice(0, 10_000) }).catch(() => undefined);
    }
  }

  return {
    count(key, result) {
      const known = counts.get(result);
      if (known !== undefined) known.evaluations += 1;
      else if (counts.size < 10_000 && result.errorCode === undefined) counts.set(result, { key, evaluations: 1 });
    },
    send,
    async close() {
      clearInterval(timer);
      await send();
    },
  };
}
