import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A platform that runs as a user would run it: `aibos-versions up` in a process of its own. */
export interface PlatformProcess {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly token: string;
  readonly dataFolder: string;
  readonly pid: number;
  /** Ctrl-C, and waiting for the end. */
  stop(): Promise<void>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

const COMMAND = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const START_MS = 120_000;

/** Starts it on free ports. @throws Error with the end of what it printed when it does not come up */
export async function startPlatformProcess(dataFolder: string): Promise<PlatformProcess> {
  const child = spawn(
    process.execPath,
    [COMMAND, "up", "--data-dir", dataFolder, "--port", "0", "--gateway-port", "0"],
    { stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-8_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = once(child, "exit").then(() => undefined);
  const address = await addressOf(child, dataFolder, () => output);
  return {
    ...address,
    token: (await readFile(join(dataFolder, "token"), "utf8")).trim(),
    dataFolder,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}

async function addressOf(
  child: ChildProcess,
  dataFolder: string,
  output: () => string,
): Promise<{ url: string; gatewayUrl: string }> {
  for (const until = Date.now() + START_MS; Date.now() < until;) {
    if (child.exitCode !== null) break;
    const text = await readFile(join(dataFolder, "server.json"), "utf8").catch(() => undefined);
    if (text !== undefined) {
      const { url, gatewayUrl } = JSON.parse(text) as { url: string; gatewayUrl: string };
      return { url, gatewayUrl };
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  child.kill("SIGKILL");
  throw new Error(`The platform did not come up. It said:\n${output()}`);
}
