import { type RouteEntry, versionOf } from "./route-entry.ts";
import type { RouteKey } from "./route-key.ts";

interface LiveStream {
  readonly version: string;
  readonly cut: () => void;
  /** Set while its time runs out. */
  deadline: NodeJS.Timeout | undefined;
}

/**
 * What may stay open for days: upgraded connections and event streams. Nobody waits for them to drain. A route's change
 * leaves them alone as long as their version serves the route; when it leaves, they get some time to end, and are then
 * cut off. Their clients connect again, to another version.
 */
export class LiveStreams {
  readonly #routes = new Map<RouteKey, Set<LiveStream>>();
  readonly #drainTimeout: number;

  /** @param drainTimeout milliseconds */
  constructor(drainTimeout: number) {
    this.#drainTimeout = drainTimeout;
  }

  /** Returns what must be called when the stream ended. `cut` ends it. */
  add(key: RouteKey, version: string, cut: () => void): () => void {
    const streams = this.#routes.get(key) ?? new Set();
    const stream: LiveStream = { version, cut, deadline: undefined };
    this.#routes.set(key, streams.add(stream));
    return () => {
      clearTimeout(stream.deadline);
      if (streams.delete(stream) && streams.size === 0 && this.#routes.get(key) === streams) this.#routes.delete(key);
    };
  }

  /** Routes with open streams. */
  keys(): Iterable<RouteKey> {
    return this.#routes.keys();
  }

  /** Gives a time to end to what the changed route does not allow any more, and takes it back from what it allows again. */
  changed(key: RouteKey, entry: RouteEntry | undefined): void {
    for (const stream of this.#routes.get(key) ?? []) {
      if (entry?.route.state === "active" && versionOf(entry, stream.version) !== undefined) {
        clearTimeout(stream.deadline);
        stream.deadline = undefined;
      } else stream.deadline ??= setTimeout(stream.cut, this.#drainTimeout);
    }
  }

  cutAll(): void {
    for (const streams of this.#routes.values()) for (const { cut } of streams) cut();
  }
}
