import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./started-gateway.ts";

export interface GatewayProcess {
  readonly child: ChildProcess;
  /** The one line that it says, and its exit's code and signal. */
  readonly line: Promise<Record<string, string>>;
  readonly exited: Promise<unknown[]>;
}

/** The gateway's own program, on a free port and in a folder of its own unless the environment says else. */
export async function startGatewayProcess(environment: NodeJS.ProcessEnv): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../main.ts", import.meta.url))], {
    env: { AIBOS_GATEWAY_PORT: "0", AIBOS_GATEWAY_FOLDER: await temporaryFolder(), ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  child.stderr.resume();
  const line = once(createInterface(child.stdout), "line").then(
    ([text]: string[]) => JSON.parse(text ?? "") as Record<string, string>,
  );
  return { child, line, exited };
}
