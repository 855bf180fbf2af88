import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../packages/gateway/src/main.ts", import.meta.url));
const REPLACED_MS = 60_000;

export interface GatewayWorker {
  readonly worker: number;
  readonly pid: number;
  readonly ready: boolean;
}

/** A gateway of several workers, in processes of its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly folder: string;
  workers(): Promise<GatewayWorker[]>;
  /** Sends one worker a signal and waits for the one that takes its place. */
  replaceWorker(worker: number, signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** kill -9 of all of it; resolves when all processes are gone. */
  kill(): Promise<void>;
  /** In order. */
  stop(): Promise<void>;
}

export async function startGatewayProcess(options: {
  folder: string;
  controlUrl: string;
  token: string;
  workers: number;
  /** A free one unless told. */
  port?: number;
}): Promise<GatewayProcess> {
  const { folder, controlUrl, token, workers: count, port = 0 } = options;
  await mkdir(folder, { recursive: true });
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      AIBOS_CONTROL_URL: controlUrl,
      AIBOS_TOKEN: token,
      AIBOS_GATEWAY_ID: "faults",
      AIBOS_GATEWAY_FOLDER: folder,
      AIBOS_GATEWAY_PORT: String(port),
      AIBOS_GATEWAY_WORKERS: String(count),
    },
  });
  child.stderr.pipe(createWriteStream(join(folder, "gateway.log"), { flags: "a" }));
  const exited = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const ready = JSON.parse(line) as { type: string; url: string; adminUrl: string; message?: string };
  if (ready.type !== "ready") throw new Error(`The gateway did not start: ${ready.message ?? line}`);

  async function workers(): Promise<GatewayWorker[]> {
    const answer = await fetch(`${ready.adminUrl}/readyz`);
    return ((await answer.json()) as { workers: GatewayWorker[] }).workers;
  }

  return {
    url: ready.url,
    folder,
    workers,
    async replaceWorker(number, signal) {
      const before = (await workers()).find(({ worker }) => worker === number);
      if (before === undefined) throw new Error(`The gateway has no worker ${number}.`);
      process.kill(before.pid, signal);
      for (const until = Date.now() + REPLACED_MS; Date.now() < until; await sleep(50)) {
        const after = (await workers()).find(({ worker }) => worker === number);
        if (after?.ready === true && after.pid !== before.pid) return;
      }
      throw new Error(`Worker ${number} was not replaced within ${REPLACED_MS / 1_000} s.`);
    },
    async kill() {
      const pids = ((await workers()) ?? []).map(({ pid }) => pid);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      child.kill("SIGKILL");
      await exited;
      while (pids.some(isAlive)) await sleep(10);
    },
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
