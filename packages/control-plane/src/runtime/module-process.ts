import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { checkHealth } from "./check-health.ts";
import { DeploymentStartFailedError } from "./deployment-start-failed-error.ts";
import { endGroup, isRunning, type ProcessGroup } from "./process-group.ts";
import type { DeploymentName, DeploymentSpec, DeploymentStatus } from "./runtime-driver.ts";

/** Times of the supervision, in milliseconds. */
export interface SupervisionTimes {
  /** Before the first restart; each one after it waits twice as long. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** A process that was healthy for so long begins with the first delay again. */
  readonly steady: number;
  readonly healthEvery: number;
  /** For the answer to a health check of a running process. */
  readonly healthTimeout: number;
  /** Between looks at a process that is starting, or that is not this one's child. */
  readonly poll: number;
}

export const SUPERVISION_TIMES: SupervisionTimes = {
  firstDelay: 250,
  longestDelay: 30_000,
  steady: 60_000,
  healthEvery: 2_000,
  healthTimeout: 5_000,
  poll: 50,
};

/** A process that fails so many health checks in a row hangs, and is ended. */
const HEALTH_FAILURES = 5;

/** A running process of a version. */
export interface RunningProcess extends ProcessGroup {
  readonly port: number;
  /** How it ended; missing where it is not this process's child. */
  readonly ended?: Promise<string>;
}

export interface ModuleProcessOptions {
  readonly spec: DeploymentSpec;
  readonly times: SupervisionTimes;
  /** A process that an earlier control plane started with the same specification. */
  readonly found: RunningProcess | undefined;
  readonly launch: () => Promise<RunningProcess>;
  readonly gone: (process: RunningProcess) => Promise<void>;
  readonly log: { readonly path: string; readonly tellingLines: () => Promise<string[]> };
  readonly changed: (status: DeploymentStatus) => void;
}

/**
 * Keeps one process of a version running.
 *
 *     starting ──healthy──▶ healthy ──dies or hangs──▶ restarting ──delay──▶ starting
 *         │                                                                    ▲
 *         └──ends or is not healthy in time──▶ failed ──delay, or asked for────┘
 *
 * `stop` ends it from everywhere; `leave` ends the supervision alone.
 */
export class ModuleProcess {
  readonly #options: ModuleProcessOptions;
  readonly #ending = new AbortController();
  readonly #life: Promise<void>;
  #endProcess = true;
  #status: DeploymentStatus;
  #running: RunningProcess | undefined;
  #attempt = withQuietRejection();
  #wake = new AbortController();

  constructor(options: ModuleProcessOptions) {
    this.#options = options;
    const { module, version } = options.spec;
    this.#status = { module, version, state: "starting", url: null, pid: null, restarts: 0, lastError: null };
    this.#life = this.#live();
  }

  /** What runs at the moment. */
  get running(): (ProcessGroup & DeploymentName) | undefined {
    const { module, version } = this.#options.spec;
    return this.#running && { ...this.#running, module, version };
  }

  /** Resolves when it is healthy; a start that waits for its delay begins at once. @throws the start's failure */
  async healthy(): Promise<DeploymentStatus> {
    this.#wake.abort();
    await this.#attempt.promise;
    return this.#status;
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#life;
  }

  /** Ends the supervision and leaves the process alone. */
  async leave(): Promise<void> {
    this.#endProcess = false;
    await this.stop();
  }

  async #live(): Promise<void> {
    const { times, gone } = this.#options;
    let { found } = this.#options;
    let delay = times.firstDelay;
    while (!this.#ending.signal.aborted) {
      let running: RunningProcess | undefined;
      let problem: string;
      let state: "restarting" | "failed" = "failed";
      let healthySince: number | undefined;
      try {
        this.#set({ state: "starting", url: null, pid: null });
        running = found ?? (await this.#options.launch());
        this.#running = running;
        found = undefined;
        await this.#becomeHealthy(running);
        healthySince = performance.now();
        this.#set({ state: "healthy", url: urlOf(running), pid: running.pid, lastError: null });
        this.#attempt.resolve();
        state = "restarting";
        problem = await this.#watch(running);
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        this.#attempt.reject(error instanceof Error ? error : new Error(problem));
      }
      if (this.#ending.signal.aborted && !this.#endProcess) return;
      // Settled above: who asks from now on waits for the next start.
      this.#attempt = withQuietRejection();
      this.#wake = new AbortController();
      if (running !== undefined) {
        // Out of the routes before it stops answering.
        this.#set({ state: this.#ending.signal.aborted ? "stopped" : state, url: null, pid: null });
        await endGroup(running, this.#options.spec.runtime.stopTimeoutSeconds * 1_000);
        this.#running = undefined;
        await gone(running);
      }
      if (this.#ending.signal.aborted) break;
      if (healthySince !== undefined && performance.now() - healthySince >= times.steady) delay = times.firstDelay;
      this.#set({ state, url: null, pid: null, lastError: problem, restarts: this.#status.restarts + 1 });
      const signal = AbortSignal.any([this.#ending.signal, this.#wake.signal]);
      await sleep(delay, undefined, { signal }).catch(() => undefined);
      delay = Math.min(times.longestDelay, delay * 2);
    }
    this.#set({ state: "stopped", url: null, pid: null });
    this.#attempt.reject(new DeploymentStartFailedError(this.#options.spec, "it was stopped meanwhile."));
  }

  /** @throws DeploymentStartFailedError */
  async #becomeHealthy(running: RunningProcess): Promise<void> {
    const { spec, times, log } = this.#options;
    const seconds = spec.runtime.startTimeoutSeconds;
    const fail = async (reason: string): Promise<never> => {
      throw new DeploymentStartFailedError(spec, reason, { path: log.path, lines: await log.tellingLines() });
    };
    let problem: string | undefined;
    for (const until = performance.now() + seconds * 1_000; performance.now() < until;) {
      problem = await checkHealth(`${urlOf(running)}${spec.runtime.healthPath}`, 2_000);
      // Asked after the check: something else may have answered on the port of a process that is gone.
      if (!(await isRunning(running))) return fail(`it ${(await running.ended) ?? "ended"} before it was healthy.`);
      if (problem === undefined) return;
      if (this.#ending.signal.aborted) return fail("it was stopped meanwhile.");
      await sleep(times.poll);
    }
    return fail(`it was not healthy within ${seconds} s: ${problem ?? "it did not answer"}.`);
  }

  /** Resolves with what is wrong when it has ended, hangs or is to be stopped. */
  async #watch(running: RunningProcess): Promise<string> {
    const { spec } = this.#options;
    const over = new AbortController();
    const ended = running.ended ?? this.#endOfForeign(running, over.signal);
    const hung = this.#hang(`${urlOf(running)}${spec.runtime.healthPath}`, over.signal);
    const asked = once(this.#ending.signal, "abort", { signal: over.signal }).then(
      () => "was stopped",
      () => "was stopped",
    );
    const problem = this.#ending.signal.aborted ? "was stopped" : await Promise.race([ended, hung, asked]);
    over.abort();
    return `The process ${problem}.`;
  }

  async #endOfForeign(running: RunningProcess, over: AbortSignal): Promise<string> {
    while (!over.aborted && (await isRunning(running))) {
      await sleep(this.#options.times.poll * 4, undefined, { signal: over }).catch(() => undefined);
    }
    return "ended";
  }

  async #hang(url: string, over: AbortSignal): Promise<string> {
    const { healthEvery, healthTimeout } = this.#options.times;
    let failures = 0;
    while (!over.aborted) {
      await sleep(healthEvery, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) break;
      const problem = await checkHealth(url, healthTimeout);
      failures = problem === undefined ? 0 : failures + 1;
      if (failures >= HEALTH_FAILURES) return `failed ${failures} health checks in a row: ${problem}`;
    }
    return "was stopped";
  }

  #set(change: Partial<DeploymentStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.changed(this.#status);
  }
}

function urlOf({ port }: RunningProcess): string {
  return `http://127.0.0.1:${port}`;
}

/** A promise whose failure nobody has to wait for. */
function withQuietRejection(): PromiseWithResolvers<void> {
  const attempt = Promise.withResolvers<void>();
  attempt.promise.catch(() => undefined);
  return attempt;
}
