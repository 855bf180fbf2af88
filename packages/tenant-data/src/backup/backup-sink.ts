import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";

/** Where a backup goes. */
export interface BackupSink {
  /** Resolves when more can be taken. */
  write(bytes: Buffer): Promise<void>;
  /** Resolves when everything is durable (a file) or taken (a stream). */
  finish(): Promise<void>;
  /** Leaves nothing under the final name. */
  abort(error: unknown): Promise<void>;
}

/**
 * A stream is ended after the last byte, or destroyed with the error. A file is written under another name beside it,
 * flushed to the disk, then renamed: a file of that name is always whole, and an older one stays until then. What a
 * process that was killed left beside it is removed by the next one that writes the same file on the same machine.
 */
export function openBackupSink(destination: Writable | string): Promise<BackupSink> | BackupSink {
  return typeof destination === "string" ? fileSink(destination) : streamSink(destination);
}

async function fileSink(path: string): Promise<BackupSink> {
  await removeAbandoned(path);
  const partial = join(dirname(path), `${partialName(path)}${process.pid}-${randomBytes(4).toString("hex")}.partial`);
  // Its rows are a tenant's: nobody else on the machine may read them.
  const file: FileHandle = await open(partial, "wx", 0o600);
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
    },
    async finish() {
      await file.sync();
      await file.close();
      await rename(partial, path);
      await syncFolder(dirname(path));
    },
    async abort() {
      await file.close().catch(() => undefined);
      await rm(partial, { force: true });
    },
  };
}

/** How the names begin under which this machine writes a file, before the process's number. */
function partialName(path: string): string {
  return `.${basename(path)}.${hostname().replaceAll(/[^\w-]/g, "_")}.`;
}

/** Processes that are gone will not finish their files. */
async function removeAbandoned(path: string): Promise<void> {
  const start = partialName(path);
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(start)) continue;
    const [, pid] = /^(\d+)-[0-9a-f]{8}\.partial$/.exec(name.slice(start.length)) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(dirname(path), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive, too.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Makes a rename last through a power cut. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function streamSink(stream: Writable): BackupSink {
  const done = finished(stream);
  // Met by whoever waits for it; a failure between two writes must not count as unhandled.
  done.catch(() => undefined);
  return {
    async write(bytes) {
      if (stream.destroyed || stream.writableEnded) await done;
      const more = stream.write(bytes);
      if (more) return;
      const drained = new Promise<void>((resolve) => void stream.once("drain", resolve));
      await Promise.race([drained, done]);
    },
    async finish() {
      stream.end();
      await done;
    },
    async abort(reason) {
      stream.destroy(reason instanceof Error ? reason : new Error(String(reason)));
      await Promise.allSettled([done]);
    },
  };
}
