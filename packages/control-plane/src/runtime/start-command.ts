import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import type { ProcessGroup } from "./process-group.ts";
import { processIdentity } from "./process-identity.ts";

export interface CommandOptions {
  /** One text for `sh -c`, or a program and its arguments. */
  readonly command: string | readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** File descriptor for what it writes. */
  readonly logFd: number;
  /** Called before the command begins; its process is already there, and identified. */
  readonly record: (group: ProcessGroup) => Promise<void>;
}

export interface StartedCommand extends ProcessGroup {
  /** How it ended, for people: "ended with exit code 1". */
  readonly ended: Promise<string>;
}

/** What a program needs of this process's environment; the control plane's own settings and secrets stay here. */
const INHERITED = ["HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER"];

/**
 * Starts a command as the leader of a process group. A shell comes first and waits for a word: only when the process
 * is recorded may it become the command. Should the control plane be killed between, the shell's input ends, and so
 * does it: there never is a process that nobody knows of.
 */
export async function startCommand(options: CommandOptions): Promise<StartedCommand> {
  const { command, folder, environment, logFd, record } = options;
  const [program, ...words] = typeof command === "string" ? ["sh", "-c", command] : command;
  const child = spawn("sh", ["-c", 'read -r go && exec "$@" </dev/null', "sh", program ?? "", ...words], {
    cwd: folder,
    detached: true,
    stdio: ["pipe", logFd, logFd],
    env: { ...baseEnvironment(), ...environment },
  });
  child.stdin?.on("error", () => undefined);
  const ended = endOf(child);
  await Promise.race([once(child, "spawn"), ended]);
  const pid = child.pid;
  const identity = pid === undefined ? undefined : await processIdentity(pid);
  if (pid === undefined || identity === undefined) throw new Error(`it ${await ended}`);
  try {
    await record({ pid, identity });
    child.stdin?.end("go\n");
  } catch (error) {
    child.stdin?.destroy();
    await ended;
    throw error;
  }
  return { pid, identity, ended };
}

/** The node of this process comes first: a version's `node` is the one that the platform runs on. */
function baseEnvironment(): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const path = [dirname(process.execPath), process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"].join(":");
  return { ...Object.fromEntries(inherited), PATH: path };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
}
