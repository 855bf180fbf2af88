import type { Logger } from "pino";
import type { ControlDatabase } from "../../db/control-database.ts";
import { TenantBusyError } from "./apply-move.ts";
import type { RolloutLooker } from "./look-at-rollout.ts";
import { releaseRollout, RolloutChangedError, takeDueRollouts } from "./rollout-store.ts";

const TICK_MS = 1_000;
/** Rollouts that one process looks at in a tick. */
const MOST = 50;

export interface RolloutEngine {
  /** Looks at all rollouts that are due, once. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Looks at each rollout every second, in whichever control-plane process takes it first. All that is known of a rollout
 * is in the database, and each look changes it in one transaction or not at all: a process that is killed leaves nothing
 * half done, and the others go on when its time with the rollout is over. Two that look at the same one do no harm:
 * whoever comes second finds it changed and has done nothing.
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
  let round: Promise<void> = Promise.resolve();

  async function lookAt(id: string): Promise<void> {
    try {
      await looker.look(id);
    } catch (error) {
      if (error instanceof TenantBusyError || error instanceof RolloutChangedError)
        log.debug({ id, error }, "looked in vain");
      else log.error({ rolloutId: id, error }, "a look at a rollout failed and is tried again");
    }
    await releaseRollout(database, id, new Date(now() + TICK_MS));
  }

  async function tick(): Promise<void> {
    const due = await takeDueRollouts(database, new Date(now()), MOST);
    await Promise.all(due.map(lookAt));
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = tick()
        .catch((error: unknown) => log.warn({ error }, "rollouts could not be looked at; trying again"))
        .finally(() => {
          if (!stopped) schedule();
        });
    }, TICK_MS);
  }

  schedule();
  return {
    tick,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
