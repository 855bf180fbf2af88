import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { archiveEntries } from "./archive-entries.ts";

/**
 * Unpacks an archive into a folder that does not exist yet. It appears at once and whole, or not at all; when somebody
 * else was faster, theirs stays: both come from the same bytes. Files can be read and run but not written; folders can
 * be added to, as install commands do.
 *
 * What a killed run leaves behind is a folder beside it whose name ends with `.part`.
 *
 * @throws ArchiveInvalidError
 */
export async function unpackArchive(archive: Buffer, folder: string): Promise<void> {
  const part = `${folder}.${randomBytes(6).toString("hex")}.part`;
  await mkdir(dirname(folder), { recursive: true });
  // Fails when it exists: nobody can have put links there before.
  await mkdir(part, { mode: 0o755 });
  try {
    for await (const { path, content, executable } of archiveEntries(archive)) {
      const file = join(part, path);
      await mkdir(dirname(file), { recursive: true });
      const handle = await open(file, "wx", executable ? 0o555 : 0o444);
      try {
        await handle.writeFile(content);
      } finally {
        await handle.close();
      }
    }
    await rename(part, folder).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST");
}
