import { copyFile, mkdir, open, rename, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** A log that is larger than this is put aside; two old ones are kept. */
export const LOG_ROTATE_BYTES = 10 * 1024 * 1024;
const LAST_BYTES = 16 * 1024;
const LINE_CHARACTERS = 500;
const SEARCHED_LINES = 25;
const TOLD_LINES = 3;

/** Opens a log for a process to append to by itself, so that it outlives this one. */
export async function openModuleLog(path: string): Promise<{ readonly fd: number; close(): Promise<void> }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "a", 0o600);
  return { fd: file.fd, close: () => file.close() };
}

/**
 * Puts a log aside that has grown too large. The process goes on appending to the same file, which is copied and
 * emptied: what it writes in the moment between is lost.
 */
export async function rotateModuleLog(path: string, rotateBytes: number = LOG_ROTATE_BYTES): Promise<void> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size <= rotateBytes) return;
  await rename(`${path}.1`, `${path}.2`).catch(() => undefined);
  await copyFile(path, `${path}.1`);
  await truncate(path);
}

/** Of a log's last lines, those that tell what went wrong: from the first that speaks of an error, else the very last. */
export async function tellingLines(path: string): Promise<string[]> {
  const lines = await lastLines(path, SEARCHED_LINES);
  const first = lines.findIndex((line) => /\b(\w*error|\w*exception|panic|fatal|cannot|can't)\b/i.test(line));
  return first === -1 ? lines.slice(-TOLD_LINES) : lines.slice(first, first + TOLD_LINES);
}

/** A log's size in bytes; 0 where there is none. */
export async function logSize(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/**
 * The last lines of a log that are not empty, without terminal codes.
 *
 * @param from only what was written after so many bytes
 */
export async function lastLines(path: string, count: number, from = 0): Promise<string[]> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const begin = Math.min(size, Math.max(from, size - LAST_BYTES));
    const buffer = Buffer.alloc(size - begin);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, begin);
    return buffer
      .toString("utf8", 0, bytesRead)
      .split("\n")
      .map((line) =>
        stripVTControlCharacters(line)
          .replaceAll(/\p{Cc}/gu, "")
          .trim(),
      )
      .filter((line) => line !== "")
      .slice(-count)
      .map((line) => (line.length > LINE_CHARACTERS ? `${line.slice(0, LINE_CHARACTERS)}…` : line));
  } finally {
    await file.close();
  }
}
