const LONGEST_STEP_MS = 500;
const SHORTEST_STEP_MS = 10;
/** A step is a part of the shortest time that is measured, within these bounds. */
const STEP_SHARE = 8;
/** A tick that comes after so many steps is late because of us, not of the one who is waited for. */
const LATE_STEPS = 2;

/**
 * A coarse clock of the time in which this process could hear what others say. While the event loop is stalled, or the
 * whole process is, it stands still: an answer that lies in a socket meanwhile did not come late. It goes on by steps;
 * reading it costs nothing.
 */
export class AwakeClock {
  readonly #step: number;
  readonly #onTick: () => void;
  #timer: NodeJS.Timeout | undefined;
  #now = 0;
  #tickedAt = 0;

  /**
   * @param shortest the shortest time that is measured with it, in milliseconds
   * @param onTick called after each step
   */
  constructor(shortest: number, onTick: () => void) {
    this.#step = Math.round(Math.min(LONGEST_STEP_MS, Math.max(SHORTEST_STEP_MS, shortest / STEP_SHARE)));
    this.#onTick = onTick;
  }

  /** Milliseconds since some moment. */
  get now(): number {
    return this.#now;
  }

  /** Does nothing while it goes. It keeps no process alive. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#step).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const at = performance.now();
    const passed = at - this.#tickedAt;
    this.#tickedAt = at;
    this.#now += passed > LATE_STEPS * this.#step ? this.#step : passed;
    this.#onTick();
  }
}

/** Calls `action` once, after so many milliseconds in which this process was awake. Returns what takes that back. */
export function awakeTimeout(milliseconds: number, action: () => void): () => void {
  const clock = new AwakeClock(milliseconds, () => {
    if (clock.now < milliseconds) return;
    clock.stop();
    action();
  });
  clock.start();
  return () => clock.stop();
}
