import type { ControlDatabase } from "../../db/control-database.ts";
import type { Notifications } from "../../db/notifications.ts";

/** How long nobody looks at the table when no notice comes, in milliseconds. */
const POLL_MS = 1_000;

/** The newest revision of the routes, as this process knows it: one look a second serves all feeds. */
export interface RouteHead {
  /** Resolves when there is something newer than `revision`, after `ms`, or when `signal` says so. */
  waitBeyond(revision: number, ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function watchRouteHead({ db }: ControlDatabase, notifications: Notifications): RouteHead {
  let newest = 0;
  const waiting = new Set<() => void>();

  function learn(revision: number): void {
    if (!(revision > newest)) return;
    newest = revision;
    for (const wake of waiting) wake();
  }

  async function look(): Promise<void> {
    const head = await db.selectFrom("route_head").select("revision").executeTakeFirst();
    learn(head?.revision ?? 0);
  }

  const unsubscribe = notifications.on("aibos_routes", (revision) => learn(Number(revision)));
  const timer = setInterval(() => {
    // A database that does not answer now is asked again in a second.
    if (waiting.size > 0) look().catch(() => undefined);
  }, POLL_MS);
  timer.unref();

  return {
    async waitBeyond(revision, ms, signal) {
      if (newest > revision || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const limit = setTimeout(resolve, ms);
      const wake = (): void => resolve();
      waiting.add(wake);
      signal.addEventListener("abort", wake);
      await promise;
      signal.removeEventListener("abort", wake);
      waiting.delete(wake);
      clearTimeout(limit);
    },
    close() {
      clearInterval(timer);
      unsubscribe();
    },
  };
}
