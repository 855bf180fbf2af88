import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createMultiVersionClient, type MultiVersionService } from "@aibos/contract";

const MAIN = fileURLToPath(new URL("../../packages/control-plane/src/main.ts", import.meta.url));

/** A control plane in a process of its own, which can be killed. */
export interface ControlPlaneProcess {
  readonly url: string;
  readonly service: MultiVersionService;
  readonly pid: number;
  /** Its exit code, when it has ended; null after a signal. */
  readonly exited: Promise<number | null>;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** In order. Resolves to its exit code. */
  stop(): Promise<number | null>;
}

export async function startControlPlaneProcess(options: {
  dataFolder: string;
  databaseUrl: string | undefined;
  /** A free one unless told. */
  port?: number;
  /** Settings on top of those. */
  environment?: Readonly<Record<string, string>>;
}): Promise<ControlPlaneProcess> {
  const { dataFolder, databaseUrl, port = 0, environment = {} } = options;
  await mkdir(dataFolder, { recursive: true });
  const log = openSync(join(dataFolder, "control-plane.log"), "a");
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", log],
    env: {
      PATH: process.env["PATH"],
      AIBOS_DATA_DIR: dataFolder,
      AIBOS_PORT: String(port),
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...environment,
    },
  });
  const { url } = await readyLine(child);
  const token = (await readFile(join(dataFolder, "token"), "utf8")).trim();
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return {
    url,
    service: createMultiVersionClient({ url, token }),
    pid: child.pid ?? 0,
    exited,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      child.kill("SIGTERM");
      return exited;
    },
  };
}

async function readyLine(child: ChildProcess): Promise<{ url: string }> {
  if (child.stdout === null) throw new Error("The control plane's output is not piped.");
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line) as { type: string; url?: string; message?: string };
    if (message.type === "ready" && message.url !== undefined) return { url: message.url };
    throw new Error(`The control plane did not start: ${message.message ?? line}`);
  }
  throw new Error("The control plane ended before it was ready.");
}
