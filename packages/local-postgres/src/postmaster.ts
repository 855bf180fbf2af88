import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A running server of a data directory, as its lock file tells. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/**
 * Reads `postmaster.pid`. A file whose process is gone, or whose number was given to another program meanwhile, is
 * removed: PostgreSQL itself would refuse to start in the second case.
 */
export async function findPostmaster(dataDirectory: string): Promise<Postmaster | undefined> {
  const file = join(dataDirectory, "postmaster.pid");
  const text = await readLockFile(file);
  if (text === undefined) return undefined;
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (Number.isInteger(pid) && pid > 0 && (await isPostmasterOf(pid, dataDirectory))) {
    return { pid, port: Number(lines[3]) };
  }
  await rm(file, { force: true });
  return undefined;
}

/** A server that starts makes the file and fills it a moment later; one that stays empty is what a crash left. */
async function readLockFile(file: string): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text !== "" || attempt === 20) return text;
    await sleep(25);
  }
}

/**
 * Tells whether a process still runs. A zombie does not: where process 1 does not collect orphans, as in many
 * containers, a server that ended would seem to run for ever.
 */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  if (process.platform !== "linux") return (await commandFromPs(pid)) !== "";
  // The state follows the name in parentheses, which may hold anything, parentheses too.
  const status = await readProc(pid, "stat");
  return !["", "Z", "X"].includes(status.charAt(status.lastIndexOf(")") + 2));
}

/** Only the server itself counts, not an editor that has one of its files open under the same number. */
async function isPostmasterOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!(await isAlive(pid))) return false;
  if (process.platform !== "linux") {
    const command = await commandFromPs(pid);
    return /^\S*postgres\b/.test(command) && command.includes(` -D ${dataDirectory} `);
  }
  const [program = "", ...args] = (await readProc(pid, "cmdline")).split("\0");
  return basename(program) === "postgres" && args[args.indexOf("-D") + 1] === dataDirectory;
}

/** A file of /proc, which needs no program that small images lack; empty when the process is gone. */
function readProc(pid: number, name: string): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, "utf8").catch((error: unknown) => {
    // ESRCH: it ended while the file was being read.
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  });
}

/** Empty for a zombie. @throws when there is no `ps`: a server taken for dead would lose its lock file */
async function commandFromPs(pid: number): Promise<string> {
  const { stdout } = await run("ps", ["-ww", "-o", "stat=,args=", "-p", String(pid)]).catch((error: unknown) => {
    // It ends with 1 when there is no such process.
    if (error instanceof Error && "code" in error && error.code === 1) return { stdout: "" };
    throw error;
  });
  const [, state = "Z", command = ""] = /^\s*(\S+)\s+(.*)/.exec(stdout) ?? [];
  return state.startsWith("Z") ? "" : command;
}
