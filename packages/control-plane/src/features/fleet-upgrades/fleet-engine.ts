import type { Logger } from "pino";
import type { Notifications } from "../../db/notifications.ts";
import type { FleetWorker } from "./fleet-worker.ts";

const TICK_MS = 1_000;
/** Notices of ends come in crowds: one look is for all that came meanwhile. */
const SOON_MS = 40;

/** Has a worker look at fleet upgrades every second, and soon after something of them or a migration has ended. */
export function startFleetEngine(options: { notifications: Notifications; worker: FleetWorker; log: Logger }): {
  stop(): Promise<void>;
} {
  const { notifications, worker, log } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let dueAt = 0;
  let round: Promise<void> | undefined;

  function run(): void {
    timer = undefined;
    round = worker
      .tick()
      .catch((error: unknown) => log.warn({ error }, "fleet upgrades could not be looked at; trying again"))
      .finally(() => {
        round = undefined;
        if (!stopped) schedule(Math.max(0, Math.min(TICK_MS, dueAt - performance.now())));
      });
    dueAt = performance.now() + TICK_MS;
  }

  function schedule(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  }

  /** Somebody's migration or fleet changed. */
  function wake(): void {
    const soon = performance.now() + SOON_MS;
    if (stopped || soon >= dueAt) return;
    dueAt = soon;
    if (round === undefined) schedule(SOON_MS);
  }

  const offs = [notifications.on("aibos_migration_ends", wake), notifications.on("aibos_fleets", wake)];
  schedule(0);
  return {
    async stop() {
      stopped = true;
      for (const off of offs) off();
      clearTimeout(timer);
      await round;
    },
  };
}
