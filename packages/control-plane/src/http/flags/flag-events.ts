import type { FlagFeedEvent } from "@aibos/contract";
import type { FlagEvaluators, FlagRevision } from "../../features/feature-flags/flag-evaluators.ts";
import type { FlagKeyHolder } from "../../features/feature-flags/flag-keys.ts";
import type { TenantVersions } from "../../features/feature-flags/tenant-versions.ts";
import { type FlagExchange, openEventStream } from "./flag-exchange.ts";

/** Nothing is silent for longer: a dead connection is noticed, and a version that went live is seen. */
const SILENCE_MS = 5_000;

/** Streams of changes, as server-sent events. */
export interface FlagEvents {
  /** Tells an OFREP client to ask again. */
  refetch(exchange: FlagExchange, holder: FlagKeyHolder): Promise<void>;
  /** Tells an evaluator elsewhere each change after a revision, or to read a snapshot. */
  follow(exchange: FlagExchange, holder: FlagKeyHolder, since: number): Promise<void>;
  /** Ends all streams. */
  end(): void;
}

export function createFlagEvents(parts: { evaluators: FlagEvaluators; versions: TenantVersions }): FlagEvents {
  const { evaluators, versions } = parts;
  const ended = new AbortController();

  /** Calls `tell` with what concerns the holder, until the reader leaves; with undefined when changes were missed. */
  async function stream(
    exchange: FlagExchange,
    holder: FlagKeyHolder,
    { since, tell }: { since: number; tell: (changes: readonly FlagRevision[] | undefined) => void },
  ): Promise<void> {
    const gone = new AbortController();
    exchange.response.once("close", () => gone.abort());
    const signal = AbortSignal.any([ended.signal, gone.signal]);
    openEventStream(exchange);
    let known = since;
    let live = await liveVersions(holder);
    while (!signal.aborted) {
      const changes = evaluators.since(known);
      const concerning = changes?.filter((change) => concerns(holder, change));
      const now = await liveVersions(holder);
      const isMoved = now !== live;
      live = now;
      if (concerning === undefined || concerning.length > 0 || isMoved) tell(isMoved ? undefined : concerning);
      known = changes === undefined ? evaluators.revision : (changes.at(-1)?.revision ?? known);
      if (signal.aborted) break;
      await evaluators.waitFor(known + 1, SILENCE_MS, signal);
      if (evaluators.revision === known && !exchange.response.writableEnded) exchange.response.write(":\n\n");
    }
    exchange.response.end();
  }

  async function liveVersions(holder: FlagKeyHolder): Promise<string> {
    if (holder.kind === "process") return holder.version;
    const live = await versions.of(holder.tenant, holder.module).catch(() => []);
    return live.join(" ");
  }

  return {
    refetch: (exchange, holder) =>
      stream(exchange, holder, {
        since: evaluators.revision,
        tell(changes) {
          const last = changes?.at(-1);
          const event = {
            type: "refetchEvaluation",
            etag: String(last?.revision ?? evaluators.revision),
            ...(last === undefined ? {} : { lastModified: Math.floor(last.at / 1_000) }),
          };
          exchange.response.write(`data: ${JSON.stringify(event)}\n\n`);
        },
      }),
    follow: (exchange, holder, since) =>
      stream(exchange, holder, {
        since,
        tell(changes) {
          if (changes === undefined) return exchange.response.write("event: reset\ndata: {}\n\n");
          for (const { revision, changes: made } of changes) {
            const event: FlagFeedEvent = { revision, changes: [...made] };
            exchange.response.write(`id: ${revision}\ndata: ${JSON.stringify(event)}\n\n`);
          }
        },
      }),
    end: () => ended.abort(),
  };
}

/** Whether a change is any business of the holder's. */
function concerns(holder: FlagKeyHolder, { module, tenant }: FlagRevision): boolean {
  if (module !== null && module !== holder.module) return false;
  return holder.kind === "process" || tenant === null || tenant === holder.tenant;
}
