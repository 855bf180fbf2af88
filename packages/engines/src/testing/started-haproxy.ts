import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { haproxyFiles, type HaproxyOptions } from "../haproxy/haproxy-options.ts";
import { openRuntimeApi } from "../haproxy/runtime-api.ts";

export interface StartedHaproxy {
  readonly pid: number;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** A real HAProxy that runs from the files of a folder. `npm run test:engines` says where its program is. */
export async function startHaproxy(options: HaproxyOptions): Promise<StartedHaproxy> {
  const program = process.env["AIBOS_HAPROXY"];
  if (program === undefined) throw new Error("AIBOS_HAPROXY must name HAProxy's program: use npm run test:engines.");
  const config = haproxyFiles(options.folder).config;
  const child = spawn(program, ["-db", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "exit");
  async function kill(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  }
  onTestFinished(kill);
  const api = openRuntimeApi(options.socket);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`HAProxy did not start: ${said}`);
    const info = await api.run("show info").catch(() => "");
    if (info.includes(`Pid: ${child.pid}`)) return { pid: child.pid ?? 0, kill };
    await sleep(20);
  }
}
