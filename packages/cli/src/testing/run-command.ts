import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the output so far has the text. @throws Error when it ends without it */
  readonly said: (text: string) => Promise<void>;
}

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

export interface CommandOptions {
  readonly environment?: Record<string, string>;
  /** Another main file. */
  readonly file?: string;
  /** Makes it the leader of a process group, as a shell does: a signal to the group is Ctrl-C in a terminal. */
  readonly ownGroup?: boolean;
}

/** Starts the command as a process of its own. */
export function startCommand(words: readonly string[], options: CommandOptions = {}): RunningCommand {
  const child = spawn(process.execPath, [options.file ?? MAIN, ...words], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1", ...options.environment },
    // The launcher gives it a channel too.
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    detached: options.ownGroup ?? false,
  });
  let out = "";
  let err = "";
  const heard = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    for (const look of heard) look();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    for (const look of heard) look();
  });
  const ended = endOf(child).then(([code, signal]): Ended => ({ code, signal, out, err }));
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!out.includes(text) && !err.includes(text)) return;
        heard.delete(look);
        resolve();
      };
      heard.add(look);
      look();
      void ended.then((end) => reject(new Error(`It ended and never said ${text}: ${JSON.stringify(end)}`)));
    });
  return { child, ended, said };
}

/** Its end, with all that it wrote. "close" says the same, but is not emitted after a disconnect. */
async function endOf(child: ChildProcess): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once("exit", (code, signal) => resolve([code, signal]));
  });
  const streams = [child.stdout, child.stderr].map(
    (stream) => new Promise<void>((resolve) => (stream === null ? resolve() : stream.once("close", resolve))),
  );
  await Promise.all(streams);
  return exit;
}

/** Runs the command to its end. */
export async function runCommand(...parameters: Parameters<typeof startCommand>): Promise<Ended> {
  return startCommand(...parameters).ended;
}
