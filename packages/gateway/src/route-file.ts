import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { feedMessageSchema } from "@aibos/contract";
import type { RouteSnapshot } from "./route-table.ts";

/** Changes that come close together are written once; milliseconds. */
const WRITE_DELAY_MS = 200;

/**
 * The newest routes on disk, so that a gateway can serve from its start while the control plane is away. The file holds
 * the keys that sign tenant contexts: only its owner can read it.
 */
export interface RouteFile {
  /** What was written last; undefined when there is nothing usable. */
  read(): Promise<RouteSnapshot | undefined>;
  /** Writes soon what `snapshot` gives then. */
  changed(): void;
  /** Writes what is to be written now. */
  close(): Promise<void>;
}

export function openRouteFile(path: string, snapshot: () => RouteSnapshot | undefined, log: Logger): RouteFile {
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    const routes = snapshot();
    if (routes === undefined) return;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(`${path}.part`, "w", 0o600);
    try {
      // The mode above is for new files only; one may be left of a write that was killed.
      await file.chmod(0o600);
      await file.writeFile(JSON.stringify(routes));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.part`, path);
  }

  function flush(): Promise<void> {
    timer = undefined;
    writing = writing.then(write).catch((error: unknown) => log.error({ error, path }, "the routes were not kept"));
    return writing;
  }

  return {
    async read() {
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      try {
        const message = feedMessageSchema.parse(JSON.parse(text));
        if (message.type === "snapshot") return message;
        throw new TypeError("it holds no snapshot");
      } catch (error) {
        log.warn({ error, path }, "the kept routes can't be used; waiting for the control plane");
        return undefined;
      }
    },
    changed() {
      timer ??= setTimeout(() => void flush(), WRITE_DELAY_MS);
    },
    async close() {
      if (timer === undefined) return writing;
      clearTimeout(timer);
      return flush();
    },
  };
}
