import {
  applyFlagFeedChange,
  FLAG_EVENTS_PATH,
  FLAG_SNAPSHOT_PATH,
  FLAG_USAGE_PATH,
  flagFeedEventSchema,
  type FlagSnapshot,
  flagSnapshotSchema,
  type FlagUsageBatch,
} from "@aibos/contract";
import { FlagSet, parseFlagDefinitions } from "@aibos/domain";
import { readEventStream } from "./event-stream.ts";

/**
 * Where a copy of the flags stands:
 *
 *   starting ──▶ ready ◀──▶ stale
 *       │          ▲
 *       ▼          │
 *     failed ──────┘
 *
 * `stale`: it has flags and does not hear of changes at the moment. `failed`: the key is refused, and there are none.
 */
export type FlagFeedState = "starting" | "ready" | "stale" | "failed";

export interface FlagFeedListener {
  /** The state changed. */
  state?(state: FlagFeedState, reason: string): void;
  /** These flags may have other results now. */
  changed?(flags: readonly string[]): void;
}

export interface FlagFeedOptions {
  /** Base URL of the control plane's API. */
  readonly url: string;
  /** A tenant's flag key, or the one that a module's process was given. */
  readonly key: string;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Milliseconds between attempts to reach the server; grows from this tenfold. */
  readonly retryMs?: number;
  /** Milliseconds of silence after which a stream counts as broken. The server says something every five seconds. */
  readonly silenceMs?: number;
}

/** Keeps a flag set like the control plane's: a snapshot, then each change, and again after every interruption. */
export interface FlagFeedClient {
  /** Undefined until the first snapshot. */
  readonly set: FlagSet | undefined;
  readonly state: FlagFeedState;
  /** Resolves at the first snapshot. @throws FlagFeedRefusedError when the key is refused */
  ready(): Promise<void>;
  listen(listener: FlagFeedListener): () => void;
  report(batch: FlagUsageBatch): Promise<void>;
  close(): Promise<void>;
}

/** The server does not take the key: trying again is of no use until somebody gives another one. */
export class FlagFeedRefusedError extends Error {
  override readonly name = "FlagFeedRefusedError";
}

export function createFlagFeedClient(options: FlagFeedOptions): FlagFeedClient {
  const { key, retryMs = 250, silenceMs = 15_000 } = options;
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? fetch;
  const closed = new AbortController();
  const listeners = new Set<FlagFeedListener>();
  const first = Promise.withResolvers<void>();
  first.promise.catch(() => undefined);
  let set: FlagSet | undefined;
  let state: FlagFeedState = "starting";

  function become(next: FlagFeedState, reason: string): void {
    if (state === next) return;
    state = next;
    for (const listener of listeners) listener.state?.(next, reason);
  }

  async function request(path: string, signal: AbortSignal, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${key}`);
    const response = await send(base + path, { ...init, headers, signal });
    if (response.ok) return response;
    await response.body?.cancel();
    const refused = response.status === 401 || response.status === 403;
    const message = `${base}${path} answered ${response.status}`;
    throw refused ? new FlagFeedRefusedError(`${message}: the flag key is refused.`) : new Error(`${message}.`);
  }

  async function readSnapshot(signal: AbortSignal): Promise<number> {
    const response = await request(FLAG_SNAPSHOT_PATH, AbortSignal.any([signal, AbortSignal.timeout(silenceMs)]));
    const snapshot = flagSnapshotSchema.parse(await response.json());
    const isNew = set !== undefined;
    set = setOfSnapshot(snapshot);
    first.resolve();
    become("ready", "a snapshot was read");
    if (isNew) tellChanged([...set.keys()]);
    return snapshot.revision;
  }

  function tellChanged(flags: readonly string[]): void {
    for (const listener of listeners) listener.changed?.(flags);
  }

  /** Follows changes after a revision until the stream ends or is silent for too long. */
  async function follow(since: number, signal: AbortSignal): Promise<void> {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), silenceMs);
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), silenceMs);
    };
    try {
      const both = AbortSignal.any([signal, silent.signal]);
      const response = await request(`${FLAG_EVENTS_PATH}?since=${since}`, both);
      if (response.body === null) return;
      for await (const { event, data } of readEventStream(response.body, heard)) {
        if (event === "reset") return;
        apply(data);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  function apply(data: string): void {
    const { changes } = flagFeedEventSchema.parse(JSON.parse(data));
    if (set === undefined) return;
    const flags = new Set<string>();
    for (const change of changes) {
      applyFlagFeedChange(set, change);
      // Anything else may concern every flag.
      if ("flag" in change) flags.add(change.flag);
      else for (const flag of set.keys()) flags.add(flag);
    }
    tellChanged([...flags]);
  }

  async function run(): Promise<void> {
    const { signal } = closed;
    for (let failures = 0; !signal.aborted;) {
      let reason = "the stream of changes ended";
      try {
        const revision = await readSnapshot(signal);
        failures = 0;
        await follow(revision, signal);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
        failures += 1;
        if (error instanceof FlagFeedRefusedError && set === undefined) {
          become("failed", reason);
          first.reject(error);
        }
      }
      if (signal.aborted) return;
      if (failures > 0 && set !== undefined) become("stale", reason);
      await wait(Math.min(retryMs * 10, retryMs * (failures + 1)) * (0.5 + Math.random()), signal);
    }
  }

  const running = run();
  return {
    get set() {
      return set;
    },
    get state() {
      return state;
    },
    ready: () => first.promise,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async report(batch) {
      const body = JSON.stringify(batch);
      const headers = { "content-type": "application/json" };
      await request(FLAG_USAGE_PATH, AbortSignal.timeout(silenceMs), { method: "POST", body, headers });
    },
    async close() {
      closed.abort();
      await running;
    },
  };
}

function setOfSnapshot({ module, version, flags, changes }: FlagSnapshot): FlagSet {
  const set = new FlagSet(module, version, parseFlagDefinitions(flags).definitions);
  for (const change of changes) applyFlagFeedChange(set, change);
  return set;
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
