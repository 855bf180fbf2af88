import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
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
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (Number.isInteger(pid) && pid > 0 && (await isPostmasterOf(pid, dataDirectory))) {
    return { pid, port: Number(lines[3]) };
  }
  await rm(file, { force: true });
  return undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function isPostmasterOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const { stdout } = await run("ps", ["-ww", "-o", "stat=,args=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return !stdout.trimStart().startsWith("Z") && stdout.includes("postgres") && stdout.includes(dataDirectory);
}
