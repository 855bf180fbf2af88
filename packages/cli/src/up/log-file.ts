import { open, rename, stat } from "node:fs/promises";

/** A log that is larger than this begins anew at the next start; two old ones are kept. */
const ROTATE_BYTES = 10 * 1024 * 1024;
const LAST_BYTES = 16 * 1024;

/** A program's log, opened for its standard error. */
export interface LogFile {
  readonly path: string;
  readonly fd: number;
  /** Where this run's part begins. */
  readonly begin: number;
  close(): Promise<void>;
}

/** Opens a log to append to. The program writes to the file itself, so that its log outlives this process. */
export async function openLogFile(path: string, rotateBytes: number = ROTATE_BYTES): Promise<LogFile> {
  if ((await sizeOf(path)) > rotateBytes) {
    await rename(`${path}.1`, `${path}.2`).catch(ignoreMissing);
    await rename(path, `${path}.1`);
  }
  const file = await open(path, "a", 0o600);
  return { path, fd: file.fd, begin: (await file.stat()).size, close: () => file.close() };
}

/** Reads what was written from a place on, at most the last part of it. */
export async function readLog(path: string, from: number): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const begin = Math.max(from, size - LAST_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - begin));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, begin);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The last lines of a log for people: of JSON lines, the message and the error's. */
export function lastLogLines(log: string, count: number): string[] {
  return log
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .map(messageOf);
}

function messageOf(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof entry !== "object" || entry === null || !("msg" in entry) || typeof entry.msg !== "string") return line;
  const error = "err" in entry ? entry.err : "error" in entry ? entry.error : undefined;
  if (typeof error !== "object" || error === null || !("message" in error)) return entry.msg;
  return `${entry.msg}: ${String(error.message)}`;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
