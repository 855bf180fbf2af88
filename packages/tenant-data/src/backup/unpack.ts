import { pipeline } from "node:stream/promises";
import type { BackupCompression } from "./backup-manifest.ts";
import { createRowDecompressor } from "./row-compression.ts";

/** Decompresses the rows of one table. A failure of the input comes as it is. */
export async function* unpack(packed: AsyncIterable<Buffer>, compression: BackupCompression): AsyncGenerator<Buffer> {
  const decompressor = createRowDecompressor(compression);
  const feeding = pipeline(packed, decompressor);
  // Met by whoever reads the decompressor, which it destroys.
  feeding.catch(() => undefined);
  const pieces: AsyncIterable<Buffer> = decompressor;
  yield* pieces;
  await feeding;
}

/** Whether a failure is the decompressor's own: its input is not what a compressor made. */
export function isZlibError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /^(Z_|ZSTD_|ERR_Z)/.test(String(error.code));
}
