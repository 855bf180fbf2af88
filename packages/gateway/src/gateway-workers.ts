import cluster, { type Worker } from "node:cluster";
import { createServer } from "node:http";
import { once } from "node:events";
import type { Logger } from "pino";
import { DomainError } from "@aibos/domain";
import { request } from "undici";
import { closeServer, listen } from "./listener.ts";

/** What a worker tells the process that started it: that it serves, or why it can't. */
export type WorkerMessage =
  | { readonly type: "ready"; readonly url: string; readonly tlsUrl?: string; readonly adminUrl: string }
  | { readonly type: "failed"; readonly code: string; readonly message: string };

/** Which worker a process is, from 1, in its environment. */
export const WORKER_VARIABLE = "AIBOS_GATEWAY_WORKER";

export interface GatewayWorkers {
  readonly url: string;
  readonly tlsUrl: string | undefined;
  readonly adminUrl: string;
  /** Replaces the workers one after the other: the others serve meanwhile. */
  restart(): Promise<void>;
  /** Passes a signal on to all workers. */
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** A worker that could not start. */
export class WorkerFailedError extends DomainError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Slot {
  readonly number: number;
  worker: Worker;
  ready: Extract<WorkerMessage, { type: "ready" }>;
}

const SHORT_LIFE_MS = 5_000;
const RESTART_DELAY_MS = 1_000;
const STATE_TIMEOUT_MS = 2_000;

/**
 * Several gateway processes on one port. This process takes the connections and hands them out in turns, so that one
 * that a stopping worker does not want any more goes to another: with a port that each process opens by itself, the
 * kernel drops those that wait at a process that ends.
 *
 * A worker that dies is started again; at the first start, one that can't serve is an error.
 *
 * @throws WorkerFailedError, PortTakenError
 */
export async function startGatewayWorkers(options: {
  count: number;
  adminPort: number;
  log: Logger;
}): Promise<GatewayWorkers> {
  const { count, log } = options;
  const slots: Slot[] = [];
  let stopping = false;
  /** Workers that end because they were told to. */
  const dismissed = new WeakSet<Worker>();

  async function start(number: number): Promise<Slot> {
    const worker = cluster.fork({ [WORKER_VARIABLE]: String(number) });
    const startedAt = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    worker.on("message", (message: WorkerMessage) => {
      if (message.type === "ready") resolve({ number, worker, ready: message });
      if (message.type === "failed") reject(new WorkerFailedError(message.code, message.message));
    });
    // Such as a message to it that crosses its end, of which "exit" tells.
    worker.on("error", (error) => log.debug({ worker: number, error }, "a worker's channel broke"));
    worker.once("exit", (code, signal) => {
      reject(new WorkerFailedError("AIBOS_INTERNAL", `Worker ${number} ended (${signal ?? code}) before it served.`));
      const slot = slots.find((known) => known.worker === worker);
      if (slot === undefined || stopping || dismissed.has(worker)) return;
      log.error({ worker: number, code, signal }, "a worker ended; it is started again");
      const delay = performance.now() - startedAt < SHORT_LIFE_MS ? RESTART_DELAY_MS : 0;
      setTimeout(() => revive(slot), delay);
    });
    return promise;
  }

  function revive(slot: Slot): void {
    if (stopping) return;
    start(slot.number).then(
      (next) => Object.assign(slot, next),
      (error: unknown) => {
        log.error({ worker: slot.number, error }, "a worker could not start");
        setTimeout(() => revive(slot), RESTART_DELAY_MS);
      },
    );
  }

  async function dismiss(worker: Worker): Promise<void> {
    dismissed.add(worker);
    if (worker.isDead()) return;
    const exited = once(worker, "exit");
    worker.process.kill("SIGTERM");
    await exited;
  }

  async function stop(): Promise<void> {
    stopping = true;
    await Promise.all(slots.map(({ worker }) => dismiss(worker)));
    await closeServer(admin, 0);
  }

  const admin = createServer((asked, response) => {
    void Promise.all(slots.map((slot) => stateOf(slot, asked.url ?? ""))).then((states) => {
      const status = Math.min(...states.map((state) => state.status));
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify({ ready: states.some((state) => state.ready), workers: states })}\n`);
    });
  });

  try {
    const started = await Promise.allSettled(Array.from({ length: count }, (_none, index) => start(index + 1)));
    for (const result of started) if (result.status === "fulfilled") slots.push(result.value);
    for (const result of started) if (result.status === "rejected") throw result.reason;
    const adminPort = await listen(admin, "127.0.0.1", options.adminPort, "AIBOS_GATEWAY_ADMIN_PORT");
    const first = slots[0]?.ready;
    let restarting: Promise<void> = Promise.resolve();
    const restart = async (): Promise<void> => {
      for (const slot of slots) {
        if (stopping) return;
        await dismiss(slot.worker);
        Object.assign(slot, await start(slot.number));
        log.info({ worker: slot.number }, "a worker was replaced");
      }
    };
    return {
      url: first?.url ?? "",
      tlsUrl: first?.tlsUrl,
      adminUrl: `http://127.0.0.1:${adminPort}`,
      restart: () => (restarting = restarting.then(restart)),
      signal(name) {
        for (const { worker } of slots) worker.process.kill(name);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface WorkerState {
  readonly worker: number;
  readonly pid: number | undefined;
  readonly adminUrl: string;
  readonly status: number;
  readonly ready: boolean;
  /** What the worker's own admin listener says; null when it says nothing. */
  readonly state: unknown;
}

async function stateOf({ number, worker, ready }: Slot, path: string): Promise<WorkerState> {
  const who = { worker: number, pid: worker.process.pid, adminUrl: ready.adminUrl };
  try {
    const answer = await request(ready.adminUrl + path, { signal: AbortSignal.timeout(STATE_TIMEOUT_MS) });
    const state = await answer.body.json();
    return { ...who, status: answer.statusCode, ready: answer.statusCode === 200, state };
  } catch {
    return { ...who, status: 503, ready: false, state: null };
  }
}
