import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { ControlDatabase } from "../../db/control-database.ts";
import { TenantBusyError } from "./apply-move.ts";
import type { RolloutLooker } from "./look-at-rollout.ts";
import { releaseRollout, RolloutChangedError, takeDueRollouts } from "./rollout-store.ts";

const TICK_MS = 1_000;
/** Rollouts that one process begins to look at in a tick, and that it looks at in all. */
const MOST_IN_TICK = 50;
const MOST = 200;
/** A look that takes longer does not count any more: all that it waits for outside together has less time. */
const LOOK_TIMEOUT_MS = 30_000;

export interface RolloutEngine {
  /** Looks at all rollouts that are due, once; resolves when those looks are over. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Looks at each rollout every second, in whichever control-plane process takes it first. All that is known of a rollout
 * is in the database, and each look changes it in one transaction or not at all: a process that is killed leaves nothing
 * half done, and the others go on when its time with the rollout is over. Two that look at the same one do no harm:
 * whoever comes second finds it changed and has done nothing.
 *
 * Each look has its own time. A rollout that waits for somebody outside, a webhook or Prometheus, holds up no other one's.
 */
export function startRolloutEngine(options: {
  database: ControlDatabase;
  looker: RolloutLooker;
  log: Logger;
  now: () => number;
}): RolloutEngine {
  const { database, looker, log, now } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();
  const looking = new Map<string, Promise<void>>();

  async function lookAt(id: string): Promise<void> {
    try {
      await looker.look(id);
    } catch (error) {
      if (error instanceof TenantBusyError || error instanceof RolloutChangedError)
        log.debug({ id, error }, "looked in vain");
      else log.error({ rolloutId: id, error }, "a look at a rollout failed and is tried again");
    }
    // Without it the next look is when the lease is over.
    await releaseRollout(database, id, new Date(now() + TICK_MS)).catch((error: unknown) =>
      log.warn({ rolloutId: id, error }, "a rollout could not be released"),
    );
  }

  /** Resolves when the look is over, or has taken too long to be waited for. */
  async function lookInTime(id: string): Promise<void> {
    const patience = new AbortController();
    const isLate = await Promise.race([
      lookAt(id).then(() => false),
      sleep(LOOK_TIMEOUT_MS, true, { signal: patience.signal, ref: false }).catch(() => false),
    ]);
    patience.abort();
    if (isLate) log.warn({ rolloutId: id }, "a look at a rollout takes very long; others go on");
    looking.delete(id);
  }

  /** Begins to look at those that are due; what is returned are their looks. */
  async function begin(): Promise<Promise<void>[]> {
    const room = Math.min(MOST_IN_TICK, MOST - looking.size);
    if (room <= 0) return [];
    const due = await takeDueRollouts(database, new Date(now()), room);
    return due
      .filter((id) => !looking.has(id))
      .map((id) => {
        const look = lookInTime(id);
        looking.set(id, look);
        return look;
      });
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = begin()
        .catch((error: unknown) => log.warn({ error }, "rollouts could not be looked at; trying again"))
        .finally(() => {
          if (!stopped) schedule();
        });
    }, TICK_MS);
  }

  schedule();
  return {
    async tick() {
      await Promise.all(await begin());
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
      await Promise.all(looking.values());
    },
  };
}
