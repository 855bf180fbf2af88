import pg from "pg";

export type NotificationListener = (payload: string) => void;

/**
 * What other sessions say by NOTIFY. One connection a process, opened again when it is lost. Notices sent meanwhile
 * are missed: listeners must look for themselves now and then, and a notice only makes them look sooner.
 */
export interface Notifications {
  /** Calls `listener` at each notice on the channel, until the returned function is called. */
  on(channel: Channel, listener: NotificationListener): () => void;
  close(): Promise<void>;
}

/** Who says what: a step of a migration changed, or it ended; a fleet upgrade, the routes or flags changed; a gateway reported. */
export const CHANNELS = [
  "aibos_migrations",
  "aibos_migration_ends",
  "aibos_fleets",
  "aibos_routes",
  "aibos_flags",
  "aibos_gateways",
] as const;
export type Channel = (typeof CHANNELS)[number];

const RECONNECT_MS = 500;

export function listenToDatabase(url: string, applicationName: string): Notifications {
  const listeners = new Map<string, Set<NotificationListener>>();
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, application_name: applicationName });
    next.on("notification", ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? "");
    });
    next.on("error", () => lost(next));
    next.on("end", () => lost(next));
    client = next;
    try {
      await next.connect();
      for (const channel of CHANNELS) await next.query(`listen ${channel}`);
    } catch {
      lost(next);
    }
  }

  function lost(which: pg.Client): void {
    if (closed || client !== which) return;
    client = undefined;
    which.end().catch(() => undefined);
    timer = setTimeout(() => void connect(), RECONNECT_MS);
  }

  void connect();
  return {
    on(channel, listener) {
      const known = listeners.get(channel) ?? new Set();
      listeners.set(channel, known.add(listener));
      return () => known.delete(listener);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
