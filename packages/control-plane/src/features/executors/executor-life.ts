import type { Logger } from "pino";
import type { Executor, ExecutorStore } from "./executor-store.ts";

const HEARTBEAT_MS = 2_000;

export interface ExecutorLife {
  /** Ends the heartbeat and tells the others. */
  leave(): Promise<void>;
}

/**
 * The life of this process among the others:
 *
 *   registered ──every 2 s──▶ heartbeat, bury the silent, take over what ended processes left
 *       │                         │ declared dead by another one
 *       ▼ stop                    ▼
 *      left                  `lost` is called: this process must end at once, others own its work now
 */
export function startExecutorLife(options: {
  executor: Executor;
  store: ExecutorStore;
  /** Takes over the work that ended processes left. */
  takeOver: (endedIds: readonly string[]) => Promise<void>;
  lost: () => void;
  log: Logger;
}): ExecutorLife {
  const { executor, store, takeOver, lost, log } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round = Promise.resolve();

  async function beat(): Promise<void> {
    try {
      if (!(await store.heartbeat(executor.id))) {
        if (!stopped) lost();
        return;
      }
      await store.buryTheSilent();
      const ended = await store.ended();
      if (!stopped) await takeOver(ended);
    } catch (error) {
      log.warn({ error }, "a heartbeat failed; trying again");
    }
    if (!stopped) schedule(HEARTBEAT_MS);
  }

  function schedule(ms: number): void {
    timer = setTimeout(() => {
      round = beat();
    }, ms);
  }

  schedule(0);
  return {
    async leave() {
      stopped = true;
      clearTimeout(timer);
      await round;
      await store.leave(executor.id);
    },
  };
}
