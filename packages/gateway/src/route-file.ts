import { open, type FileHandle, mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { type FeedMessage, feedMessageSchema } from "@aibos/contract";
import type { Applied, RouteDelta, RouteSnapshot } from "./route-table.ts";

/** Changes that come close together are written together; milliseconds. */
const WRITE_DELAY_MS = 200;
/** After so many deltas the file is written anew. */
const MOST_DELTAS = 10_000;

/**
 * The newest routes on disk, so that a gateway can serve from its start while the control plane is away: messages of the
 * feed, one a line, first a snapshot in parts and then the deltas since. A change appends a line; a file with many is
 * written anew beside the old one. It holds the keys that sign tenant contexts: only its owner can read it.
 */
export interface RouteFile {
  /** Gives what was kept to `apply`, up to the first line that is damaged, as one is when a write was killed. */
  read(apply: (message: RouteSnapshot | RouteDelta) => Applied): Promise<void>;
  /** Everything was replaced: writes soon what `snapshot` gives then. */
  replaced(): void;
  /** Appends a change soon. */
  changed(delta: RouteDelta): void;
  /** Writes what is to be written now. */
  close(): Promise<void>;
}

export function openRouteFile(path: string, snapshot: () => Iterable<RouteSnapshot>, log: Logger): RouteFile {
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  /** The file that deltas are appended to; undefined until one is written. */
  let file: FileHandle | undefined;
  let appended = 0;
  let waiting: RouteDelta[] = [];
  let isWhole = true;

  /** Routes change while this goes on: the deltas that come meanwhile are appended after it. */
  async function writeAnew(): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const next = await open(`${path}.part`, "w", 0o600);
    try {
      // The mode above is for new files only; one may be left of a write that was killed.
      await next.chmod(0o600);
      isWhole = true;
      waiting = [];
      for (const part of snapshot()) await next.appendFile(`${JSON.stringify(part)}\n`);
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
  }

  async function write(): Promise<void> {
    if (!isWhole || file === undefined || appended + waiting.length > MOST_DELTAS) await writeAnew();
    const deltas = waiting;
    waiting = [];
    if (deltas.length === 0) return;
    appended += deltas.length;
    await file?.appendFile(deltas.map((delta) => `${JSON.stringify(delta)}\n`).join(""));
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
    async read(apply) {
      const kept = await open(path).catch(() => undefined);
      if (kept === undefined) return;
      let line = 0;
      try {
        for await (const text of kept.readLines()) {
          line += 1;
          const message = parseKept(text);
          if (apply(message).kind === "gap") throw new RangeError(`revision ${message.revision} does not follow`);
        }
      } catch (error) {
        log.warn({ error, path, line }, "the kept routes can't be used from this line on");
      } finally {
        await kept.close();
      }
    },
    replaced() {
      isWhole = false;
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

function parseKept(text: string): RouteSnapshot | RouteDelta {
  const message: FeedMessage = feedMessageSchema.parse(JSON.parse(text));
  if (message.type === "heartbeat") throw new TypeError("it holds a message that changes nothing");
  return message;
}
