import type { RouteKey } from "./route-key.ts";

interface InFlight {
  /** Counts the changes of the route. */
  generation: number;
  /** Requests that started after the newest change. */
  current: number;
  /** Requests that started before it. */
  older: number;
}

/**
 * Counts the requests under way on each route, apart for those that started before the route's newest change: the
 * control plane waits for these to end before it takes the old version's data away.
 */
export class RouteDrain {
  readonly #routes = new Map<RouteKey, InFlight>();
  readonly #draining = new Set<RouteKey>();
  readonly #onDrained: () => void;

  /** @param onDrained called when the last old request of a route has ended */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  /** A request starts. Returns what must be called when it has ended; further calls do nothing. */
  start(key: RouteKey): () => void {
    const counts = this.#routes.get(key) ?? { generation: 0, current: 0, older: 0 };
    this.#routes.set(key, counts);
    const { generation } = counts;
    counts.current += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (generation === counts.generation) counts.current -= 1;
      else counts.older -= 1;
      this.#settle(key, counts);
    };
  }

  /** Routes with requests under way. */
  keys(): Iterable<RouteKey> {
    return this.#routes.keys();
  }

  /** The route changed: whatever is under way is old now. */
  changed(key: RouteKey): void {
    const counts = this.#routes.get(key);
    if (counts === undefined) return;
    counts.generation += 1;
    counts.older += counts.current;
    counts.current = 0;
    if (counts.older > 0) this.#draining.add(key);
  }

  /** Routes on which old requests are under way, with how many. */
  draining(): { tenant: string; module: string; requests: number }[] {
    return [...this.#draining].map((key) => {
      const [tenant = "", module = ""] = key.split("/");
      return { tenant, module, requests: this.#routes.get(key)?.older ?? 0 };
    });
  }

  #settle(key: RouteKey, counts: InFlight): void {
    if (counts.older === 0 && counts.current === 0) this.#routes.delete(key);
    if (counts.older === 0 && this.#draining.delete(key)) this.#onDrained();
  }
}
