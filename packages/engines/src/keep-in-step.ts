import type { Logger } from "pino";
import { Agent } from "undici";
import type { FeedMessage, GatewayReport, RouteChange } from "@aibos/contract";
import { followRouteFeed, RouteTable, startReporter } from "@aibos/gateway";
import type { EngineTarget } from "./engine-target.ts";

export interface StepOptions {
  /** Names the engine in its reports, as a gateway. */
  readonly id: string;
  /** Where users reach it, for people. */
  readonly url: string;
  readonly controlUrl: string;
  readonly token: string;
  readonly target: EngineTarget;
  readonly log: Logger;
  /** Between two looks at requests under way and at the engine itself, in milliseconds. */
  readonly lookEvery?: number;
}

export interface InStep {
  /** The newest revision that the engine has; undefined while it has none. */
  readonly revision: () => number | undefined;
  stop(): Promise<void>;
}

/**
 * Keeps an engine in step with the control plane's routes, as a gateway keeps itself: it follows the feed, gives the
 * engine what changes, and only then reports the revision, so that an operation waits for the engine as for a gateway.
 *
 *   following ──message──▶ waiting ──given to the engine──▶ following, reported
 *                             │ the engine fails, or has forgotten
 *                             ▼
 *                          everything is given to it anew, until it works
 */
export function keepInStep(options: StepOptions): InStep {
  const { id, url, controlUrl, token, target, log, lookEvery = 1_000 } = options;
  const table = new RouteTable();
  const dispatcher = new Agent();
  const startedAt = Date.now();
  let waiting: RouteChange[] = [];
  let anew = false;
  let given: { feed: string; revision: number } | undefined;
  let draining: GatewayReport["draining"] = [];
  /** Routes that were changed since requests under way were looked at. */
  const unsure = new Map<string, { tenant: string; module: string }>();
  let working: Promise<void> | undefined;
  const stopping = new AbortController();

  function apply(message: FeedMessage): "applied" | "gap" {
    if (message.type === "heartbeat") return message.revision === table.revision ? "applied" : "gap";
    const applied = message.type === "snapshot" ? table.replace(message) : table.apply(message);
    if (applied.kind === "gap") return "gap";
    if (applied.kind !== "applied") return "applied";
    if (message.type === "snapshot") anew = true;
    else waiting.push(...message.changes);
    const changed =
      applied.changed === "all" ? table.entries() : applied.changed.flatMap((key) => table.route(key) ?? []);
    for (const { route } of changed) {
      unsure.set(`${route.tenant}/${route.module}`, { tenant: route.tenant, module: route.module });
    }
    work();
    return "applied";
  }

  function work(): void {
    if (!stopping.signal.aborted) working ??= workAll().finally(() => (working = undefined));
  }

  async function workAll(): Promise<void> {
    while (!stopping.signal.aborted && table.feed !== undefined) {
      const { feed, revision } = table;
      const changes = waiting;
      const isWhole = anew;
      waiting = [];
      anew = false;
      const looked = [...unsure.keys()];
      try {
        if (isWhole) await target.replace(table);
        else if (changes.length > 0) await target.change(table, changes);
        draining = await target.draining();
        given = { feed, revision };
        for (const key of looked) unsure.delete(key);
        reporter.report();
      } catch (error) {
        anew = true;
        log.warn({ error }, "the engine was not brought in step; trying again");
        return;
      }
      if (waiting.length === 0 && !anew) return;
    }
  }

  async function look(): Promise<void> {
    try {
      if (given !== undefined && (await target.hasForgotten())) anew = true;
    } catch {
      anew = true;
    }
    work();
  }

  const reporter = startReporter({
    settings: { controlUrl, token, reportInterval: 1_000 },
    dispatcher,
    log,
    current: () =>
      given === undefined || given.feed !== table.feed
        ? undefined
        : {
            gatewayId: id,
            url,
            appliedRevision: given.revision,
            draining: [...draining, ...[...unsure.values()].map((route) => ({ ...route, requests: 1 }))],
            startedAt,
            mirrors: [],
            ejected: [],
          },
  });
  const feed = followRouteFeed({
    settings: { id, controlUrl, token, feedSilenceTimeout: 15_000, random: Math.random },
    dispatcher,
    log,
    apply,
    position: () => ({ feed: table.feed, revision: table.revision }),
    connected: () => undefined,
  });
  const timer = setInterval(() => void look(), lookEvery);

  return {
    revision: () => given?.revision,
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await feed.stop();
      await reporter.stop();
      await working;
      await target.close();
      await dispatcher.destroy();
    },
  };
}
