import { setTimeout as sleep } from "node:timers/promises";
import { type Program, type ProgramSpec, type Ready, startProgram } from "./program.ts";
import { ProgramStartError } from "./program-start-error.ts";

/** When a program that died is started again; milliseconds. */
export interface RestartDelays {
  readonly first: number;
  readonly longest: number;
  /** A program that ran for so long begins with the first delay again. */
  readonly steady: number;
}

export const RESTART_DELAYS: RestartDelays = { first: 250, longest: 30_000, steady: 60_000 };

export type ProgramEvent =
  | {
      readonly type: "ended";
      readonly program: string;
      readonly how: string;
      readonly delayMs: number;
      readonly logFile: string;
    }
  | { readonly type: "back"; readonly program: string };

export interface SupervisedProgramOptions {
  /** How to start it, given what it said when it was ready before: it must be found at the same address again. */
  readonly spec: (before: Ready | undefined) => ProgramSpec;
  readonly delays: RestartDelays;
  readonly onEvent: (event: ProgramEvent) => void;
}

/**
 * Keeps a program running.
 *
 *     new ──start──▶ starting ──ready──▶ running ──dies──▶ waiting ──delay──▶ starting again ──ready──▶ running
 *                       │                   │                 ▲                    │
 *                       └─ fails: start()   └─ stop()         └────── fails ───────┘
 *                          rejects             ends it
 *
 * A program that fails at its first start is not tried again: that is a mistake for the user to see.
 */
export class SupervisedProgram {
  readonly #options: SupervisedProgramOptions;
  readonly #stopping = new AbortController();
  #program: Program | undefined;
  #ready: Ready | undefined;
  #life: Promise<void> = Promise.resolve();

  constructor(options: SupervisedProgramOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#program?.pid;
  }

  /** @throws ProgramStartError */
  async start(): Promise<Ready> {
    const ready = await this.#run();
    this.#life = this.#keep();
    return ready;
  }

  /** Ends the program in order, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#program?.stop();
    await this.#program?.ended;
    await this.#life;
  }

  kill(): void {
    this.#stopping.abort();
    this.#program?.kill();
  }

  async #run(): Promise<Ready> {
    const program = await startProgram(this.#options.spec(this.#ready));
    this.#program = program;
    if (this.#stopping.signal.aborted) program.stop();
    this.#ready = await program.ready;
    return this.#ready;
  }

  async #keep(): Promise<void> {
    const { delays, onEvent } = this.#options;
    let delay = delays.first;
    let since = performance.now();
    let how = await this.#program?.ended;
    while (!this.#stopping.signal.aborted) {
      if (performance.now() - since >= delays.steady) delay = delays.first;
      const { name: program, logFile } = this.#options.spec(this.#ready);
      onEvent({ type: "ended", program, how: how ?? "ended", delayMs: delay, logFile });
      await sleep(delay, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      delay = Math.min(delays.longest, delay * 2);
      if (this.#stopping.signal.aborted) return;
      try {
        await this.#run();
        since = performance.now();
        onEvent({ type: "back", program });
        how = await this.#program?.ended;
      } catch (error) {
        if (!(error instanceof ProgramStartError)) throw error;
        since = performance.now();
        how = `can't start: ${error.message}`;
      }
    }
  }
}
