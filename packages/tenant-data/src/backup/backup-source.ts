import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";

/** A file by its path, or a stream from the first byte of a backup. */
export type BackupSource = string | Readable;

const READ_BYTES = 1024 * 1024;

/** Opens a file, which is read through one handle: what was verified can't be swapped for another file by name. */
export async function withBackupFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** A file's bytes from its start; can be called again. */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A stream's bytes. @throws TypeError for a stream of text or objects */
export async function* bytesOfStream(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError("A backup must be read from a stream of bytes: take setEncoding and objectMode away.");
    }
    yield chunk;
  }
}

export async function withBackupBytes<T>(
  source: BackupSource,
  work: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  return typeof source === "string"
    ? withBackupFile(source, (file) => work(bytesOf(file)))
    : work(bytesOfStream(source));
}
