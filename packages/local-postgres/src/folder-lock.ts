import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FolderInUseError } from "./folder-in-use-error.ts";

export interface FolderLock {
  release(): Promise<void>;
}

/** Keeps locks from the garbage collector, which would close them when nobody holds on to what we return. */
const held = new Set<DatabaseSync>();

/**
 * Makes this process the only user of a folder, until it releases the lock or dies. The lock is the operating system's
 * own, which SQLite takes on a file: it can't outlive its process, is not fooled by a process number that was given
 * out again, and of two that start together one gets it.
 *
 * @throws FolderInUseError naming the other process
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const holderFile = join(folder, "lock.holder");
  const lock = new DatabaseSync(join(folder, "lock"), { timeout: 0 });
  try {
    lock.exec("begin exclusive");
  } catch (error) {
    lock.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) {
      const holder = await readFile(holderFile, "utf8").catch(() => "");
      throw new FolderInUseError(folder, holder.trim() || "its process is starting");
    }
    throw error;
  }
  held.add(lock);
  await writeFile(holderFile, `process ${process.pid}\n`);
  return {
    async release() {
      held.delete(lock);
      if (lock.isOpen) lock.close();
    },
  };
}

const SQLITE_BUSY = 5;
