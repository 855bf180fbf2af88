import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { type Dispatcher, request } from "undici";
import { DomainError } from "@aibos/domain";
import { type FeedMessage, feedMessageSchema, GATEWAY_FEED_PATH } from "@aibos/contract";
import { FeedError } from "./gateway-errors.ts";
import type { GatewaySettings } from "./gateway-options.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** Where the reader is in the feed. */
export interface FeedPosition {
  readonly feed: string | undefined;
  readonly revision: number;
}

export interface RouteFeedClientOptions {
  readonly settings: Pick<GatewaySettings, "id" | "controlUrl" | "token" | "feedSilenceTimeout" | "random">;
  readonly dispatcher: Dispatcher;
  readonly log: Logger;
  /** What was applied; asked before each connection. */
  readonly position: () => FeedPosition;
  /** Applies a message; "gap" asks for a snapshot. What it throws ends the connection, and the next begins anew. */
  readonly apply: (message: FeedMessage) => "applied" | "gap";
  /** The connection came up, or was lost. */
  readonly connected: (isConnected: boolean) => void;
}

export interface RouteFeedClient {
  stop(): Promise<void>;
}

/** Reads the control plane's route feed for as long as the gateway runs; a lost connection is made again. */
export function followRouteFeed(options: RouteFeedClientOptions): RouteFeedClient {
  const { settings, dispatcher, log, position, apply, connected } = options;
  const stopping = new AbortController();

  /** Reads one connection to its end. */
  async function read(from: FeedPosition, began: () => void): Promise<void> {
    const silence = new AbortController();
    const signal = AbortSignal.any([stopping.signal, silence.signal]);
    const timer = setTimeout(
      () => silence.abort(new FeedError("it fell silent", { needsSnapshot: false })),
      settings.feedSilenceTimeout,
    );
    try {
      const query = new URLSearchParams({ gateway: settings.id, since: String(from.revision) });
      if (from.feed !== undefined) query.set("feed", from.feed);
      const { statusCode, body } = await request(`${settings.controlUrl}${GATEWAY_FEED_PATH}?${query.toString()}`, {
        dispatcher,
        signal,
        headers: { authorization: `Bearer ${settings.token}` },
        bodyTimeout: 0,
      });
      if (statusCode !== 200) {
        await body.dump();
        throw new FeedError(
          statusCode === 401 ? "it refuses the token; see AIBOS_TOKEN" : `it answered with status ${statusCode}`,
          { needsSnapshot: false },
        );
      }
      for await (const line of linesOf(body)) {
        timer.refresh();
        if (line.trim() === "") continue;
        if (apply(parseMessage(line)) === "gap") throw new FeedError("a revision is missing", { needsSnapshot: true });
        began();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async function follow(): Promise<void> {
    let delay = FIRST_DELAY_MS;
    let anew = false;
    while (!stopping.signal.aborted) {
      const from = anew ? { feed: undefined, revision: 0 } : position();
      try {
        await read(from, () => {
          if (delay !== FIRST_DELAY_MS || anew) log.info("the control plane is back");
          delay = FIRST_DELAY_MS;
          anew = false;
          connected(true);
        });
      } catch (error) {
        if (stopping.signal.aborted) return;
        // A feed that can't be applied must not come again from the same place.
        anew = error instanceof FeedError ? error.needsSnapshot : !isConnectionError(error);
        log.warn({ error, again: Math.round(delay) }, "the control plane's route feed was lost; serving known routes");
      }
      connected(false);
      await sleep(delay * (0.5 + settings.random()), undefined, { signal: stopping.signal }).catch(() => undefined);
      delay = Math.min(LONGEST_DELAY_MS, delay * 2);
    }
  }
  const following = follow();

  return {
    async stop() {
      stopping.abort();
      await following;
    },
  };
}

/** @throws FeedError */
function parseMessage(line: string): FeedMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new FeedError("it sent a line that is not JSON", { needsSnapshot: true, cause: error });
  }
  const message = feedMessageSchema.safeParse(value);
  if (!message.success) {
    throw new FeedError("it sent a message of another kind", { needsSnapshot: true, cause: message.error });
  }
  return message.data;
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  for await (const chunk of body) {
    const [first = "", ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    parts.push(first);
    for (const piece of rest) {
      yield parts.join("");
      parts = [piece];
    }
  }
}

/** Whether the network failed, and not what was read: the project's own errors have a code as well. */
function isConnectionError(error: unknown): boolean {
  return error instanceof Error && "code" in error && !(error instanceof DomainError);
}
