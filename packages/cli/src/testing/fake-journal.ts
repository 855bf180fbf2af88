import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface JournalEntry {
  readonly part: "control-plane" | "gateway";
  readonly event: "started" | "stopped" | "asked" | "interrupted";
  readonly pid: number;
  readonly environment: Readonly<Record<string, string>>;
}

export function journalFile(folder: string): string {
  return join(folder, "journal");
}

/** What the fake programs did so far. */
export async function readJournal(folder: string): Promise<JournalEntry[]> {
  const text = await readFile(journalFile(folder), "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): JournalEntry => JSON.parse(line));
}

/** The journal as `part event` lines. */
export async function journalLines(folder: string): Promise<string[]> {
  return (await readJournal(folder)).map(({ part, event }) => `${part} ${event}`);
}

/** Waits for a condition to become true; the test's own time limit bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
