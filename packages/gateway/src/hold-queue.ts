import type { TenantRoute } from "@aibos/contract";
import type { RouteKey } from "./route-key.ts";

type RouteHold = NonNullable<TenantRoute["hold"]>;

/** How waiting ended: the hold is over, it took longer than allowed, the queue has no room, or the gateway stops. */
export type HoldOutcome = "released" | "timeout" | "full" | "stopping";

/** The longest time that a timer can be set to; it would fire at once for a longer one. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

interface Waiting {
  readonly settle: (outcome: HoldOutcome) => void;
  readonly timer: NodeJS.Timeout;
}

/** A place in the queue; `leave` gives it up without an outcome, for a client that went away. */
export interface HoldTicket {
  leave(): void;
}

/**
 * Requests that wait for a route's hold to end, first come first served. Nothing of a waiting request's body is read:
 * TCP tells its client to wait.
 */
export class HoldQueue {
  readonly #queues = new Map<RouteKey, Set<Waiting>>();
  readonly #maxHeld: number;

  /** @param maxHeld requests that may wait on one route */
  constructor(maxHeld: number) {
    this.#maxHeld = maxHeld;
  }

  /** Waits; `settle` is called once, never before this returns. `waitedMs` is what the request waited before. */
  wait(key: RouteKey, hold: RouteHold, waitedMs: number, settle: (outcome: HoldOutcome) => void): HoldTicket {
    const queue = this.#queues.get(key) ?? new Set<Waiting>();
    const full = queue.size >= this.#maxHeld;
    const waiting: Waiting = {
      settle,
      timer: setTimeout(
        () => {
          this.#remove(key, waiting);
          settle(full ? "full" : "timeout");
        },
        full ? 0 : Math.min(LONGEST_WAIT_MS, Math.max(0, hold.maxWaitMs - waitedMs)),
      ),
    };
    if (!full) {
      queue.add(waiting);
      this.#queues.set(key, queue);
    }
    return { leave: () => this.#remove(key, waiting) };
  }

  /** Routes on which requests wait. */
  keys(): Iterable<RouteKey> {
    return this.#queues.keys();
  }

  /** The hold is over, or has changed: all that wait go on in the order in which they came. */
  release(key: RouteKey): void {
    this.#settleAll(key, "released");
  }

  /** The gateway stops: nobody can wait any longer. */
  stop(): void {
    for (const key of this.#queues.keys()) this.#settleAll(key, "stopping");
  }

  /** How many requests wait. */
  get size(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.size;
    return size;
  }

  #settleAll(key: RouteKey, outcome: HoldOutcome): void {
    const queue = this.#queues.get(key);
    this.#queues.delete(key);
    for (const waiting of queue ?? []) {
      clearTimeout(waiting.timer);
      waiting.settle(outcome);
    }
  }

  #remove(key: RouteKey, waiting: Waiting): void {
    clearTimeout(waiting.timer);
    const queue = this.#queues.get(key);
    if (queue?.delete(waiting) === true && queue.size === 0) this.#queues.delete(key);
  }
}
