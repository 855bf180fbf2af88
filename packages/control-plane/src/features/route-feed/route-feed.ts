import type { FeedMessage } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { Notifications } from "../../db/notifications.ts";
import { pruneRouteChanges } from "./publish-route-changes.ts";
import { watchRouteHead } from "./route-head.ts";
import { type ContextKeyOf, partsOf, readRouteSnapshot, type RouteSnapshot, routeChangeOf } from "./route-snapshot.ts";

const HEARTBEAT_MS = 5_000;
const PRUNE_MS = 60_000;
/** Revisions read at once: what a feed holds in memory at most, however slow its gateway is. */
const BATCH = 200;

export interface FeedRequest {
  /** The feed that the gateway knows; undefined: none. */
  readonly feed?: string | undefined;
  /** The newest revision that it applied. */
  readonly since: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The routes as gateways follow them. A feed is pulled: it reads the next revisions when the ones before were taken,
 * so that a gateway which reads slowly costs no memory; when the revisions that it needs were forgotten meanwhile, it
 * gets a snapshot, as one does that knows nothing or knows another database.
 */
export interface RouteFeed {
  /** Ends when `signal` says so or the feed is closed. */
  subscribe(request: FeedRequest): AsyncGenerator<FeedMessage, void, void>;
  /** Ends all subscriptions. */
  close(): Promise<void>;
}

export function createRouteFeed(options: {
  database: ControlDatabase;
  notifications: Notifications;
  contextKeyOf: ContextKeyOf;
  /** Names the control database. */
  feedId: string;
  /** Signs testers' tokens. */
  testerKey: string;
}): RouteFeed {
  const { database, notifications, contextKeyOf, feedId, testerKey } = options;
  const head = watchRouteHead(database, notifications);
  const closed = new AbortController();
  let reading: Promise<RouteSnapshot> | undefined;

  // Gateways that reconnect together share one snapshot: a revision that is a little older does no harm.
  function readSnapshot(): Promise<RouteSnapshot> {
    reading ??= readRouteSnapshot(database, contextKeyOf).finally(() => {
      reading = undefined;
    });
    return reading;
  }

  /** The changes after a revision, oldest first; undefined when some were forgotten or are of another history. */
  async function readChanges(since: number) {
    const rows = await database.db
      .selectFrom("route_changes")
      .select(["revision", "changes"])
      .where("revision", ">", since)
      .orderBy("revision")
      .limit(BATCH)
      .execute();
    if (rows.length > 0) return rows[0]?.revision === since + 1 ? rows : undefined;
    // Nothing newer, unless this revision is of another history. The newest change is never forgotten.
    const head = await database.db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
    return since > head.revision ? undefined : rows;
  }

  async function* subscribe(request: FeedRequest): AsyncGenerator<FeedMessage, void, void> {
    const signal = AbortSignal.any([closed.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    let known: number | undefined = request.feed === feedId && request.since > 0 ? request.since : undefined;
    let saidAt = 0;
    /** Whether the gateway knows that it has everything: after a snapshot, it does. */
    let caughtUp = false;
    while (!signal.aborted) {
      const changes = known === undefined ? undefined : await readChanges(known);
      if (known === undefined || changes === undefined) {
        const snapshot = await readSnapshot();
        for (const part of partsOf(snapshot, { feed: feedId, testerKey })) {
          if (signal.aborted) return;
          yield part;
        }
        known = snapshot.revision;
        caughtUp = true;
        saidAt = Date.now();
        continue;
      }
      for (const { revision, changes: stored } of changes) {
        if (signal.aborted) return;
        yield { type: "delta", revision, changes: stored.map((change) => routeChangeOf(change, contextKeyOf)) };
        known = revision;
        saidAt = Date.now();
      }
      if (changes.length > 0) continue;
      if (!caughtUp || Date.now() - saidAt >= HEARTBEAT_MS) {
        yield { type: "heartbeat", revision: known };
        caughtUp = true;
        saidAt = Date.now();
      }
      await head.waitBeyond(known, Math.max(1, saidAt + HEARTBEAT_MS - Date.now()), signal);
    }
  }

  const pruning = setInterval(() => {
    // What could not be forgotten now can be in a minute.
    pruneRouteChanges(database.db).catch(() => undefined);
  }, PRUNE_MS);
  pruning.unref();

  return {
    subscribe,
    async close() {
      clearInterval(pruning);
      head.close();
      closed.abort();
    },
  };
}
