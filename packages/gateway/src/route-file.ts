import { open, type FileHandle, mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import { keptLine, readKeptLine } from "./kept-line.ts";
import { KeptRoutesReader, keptTexts } from "./kept-routes.ts";
import type { RouteDelta, RouteTable } from "./route-table.ts";

/** Changes that come close together are written together; milliseconds. */
const WRITE_DELAY_MS = 200;
/** After so many deltas the file is written anew. */
const MOST_DELTAS = 10_000;

/**
 * The newest routes on disk, so that a gateway can serve from its start while the control plane is away: first all
 * routes, then the deltas since. A change appends a line; a file with many is written anew beside the old one. Each line
 * is chained to those before by a checksum. It holds the keys that sign tenant contexts: only its owner can read it.
 */
export interface RouteFile {
  /**
   * Fills the table with what was kept. A delta that is damaged, as the last one is when a write was killed, and those
   * after it are left out; anything else that is damaged makes it all count as none.
   */
  read(): Promise<void>;
  /** Everything was replaced: writes soon what is there then. */
  replaced(): void;
  /** Appends a change soon. */
  changed(delta: RouteDelta): void;
  /** Writes what is to be written now. */
  close(): Promise<void>;
}

/** @param onKept called when all routes that were replaced are on disk */
export function openRouteFile(
  path: string,
  table: RouteTable,
  log: Logger,
  onKept: () => void = () => undefined,
): RouteFile {
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  /** The file that deltas are appended to; undefined until one is written. */
  let file: FileHandle | undefined;
  let sum = 0;
  let appended = 0;
  let waiting: RouteDelta[] = [];
  let isWhole = true;
  let wasReplaced = false;

  function lineOf(text: string): string {
    const { line, sum: next } = keptLine(text, sum);
    sum = next;
    return line;
  }

  /** Routes change while this goes on: the deltas that come meanwhile are appended after it. */
  async function writeAnew(): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const next = await open(`${path}.part`, "w", 0o600);
    try {
      // The mode above is for new files only; one may be left of a write that was killed.
      await next.chmod(0o600);
      isWhole = true;
      waiting = [];
      sum = 0;
      for (const text of keptTexts(table)) {
        await next.appendFile(lineOf(text));
        // Requests come before the next thousand routes.
        await nextTurn();
      }
      await next.sync();
      await rename(`${path}.part`, path);
    } catch (error) {
      isWhole = false;
      await next.close();
      throw error;
    }
    await file?.close();
    file = next;
    appended = 0;
    if (wasReplaced) onKept();
    wasReplaced = false;
  }

  async function write(): Promise<void> {
    if (!isWhole || file === undefined || appended + waiting.length > MOST_DELTAS) await writeAnew();
    const deltas = waiting;
    waiting = [];
    if (deltas.length === 0) return;
    appended += deltas.length;
    await file?.appendFile(deltas.map((delta) => lineOf(JSON.stringify(delta))).join(""));
  }

  function flush(): Promise<void> {
    timer = undefined;
    writing = writing.then(write).catch((error: unknown) => {
      // What was to be appended may be there in part: only a new file is sure to be whole.
      isWhole = false;
      log.error({ error, path }, "the routes were not kept");
    });
    return writing;
  }
  const soon = (): void => void (timer ??= setTimeout(() => void flush(), WRITE_DELAY_MS));

  return {
    async read() {
      const kept = await open(path).catch(() => undefined);
      if (kept === undefined) return;
      const reader = new KeptRoutesReader(table);
      let line = 0;
      let before = 0;
      try {
        for await (const written of kept.readLines()) {
          line += 1;
          const { text, sum: next } = readKeptLine(written, before);
          before = next;
          reader.take(text);
        }
        if (table.feed === undefined) throw new RangeError("it ends before all routes are there");
      } catch (error) {
        const isUsed = table.feed !== undefined;
        log.warn(
          { error, path, line },
          isUsed ? "the kept routes can't be used from this line on" : "the kept routes can't be used; new ones come",
        );
      } finally {
        await kept.close();
      }
    },
    replaced() {
      isWhole = false;
      wasReplaced = true;
      soon();
    },
    changed(delta) {
      waiting.push(delta);
      soon();
    },
    async close() {
      if (timer !== undefined) {
        clearTimeout(timer);
        void flush();
      }
      await writing;
      await file?.close();
      file = undefined;
    },
  };
}
