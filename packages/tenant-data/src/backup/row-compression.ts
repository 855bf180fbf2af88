import type { Transform } from "node:stream";
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { BackupCompression } from "./backup-manifest.ts";

const OUT_BYTES = 256 * 1024;

/** Compresses the rows of one table, off the main thread, at the level that costs least. */
export function createRowCompressor(compression: BackupCompression): Transform {
  if (compression === "gzip") return createGzip({ level: 1, chunkSize: OUT_BYTES });
  return createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    chunkSize: OUT_BYTES,
  });
}

/** The inverse: makes pieces as they are asked for, so that a small file can't fill the memory. */
export function createRowDecompressor(compression: BackupCompression): Transform {
  return compression === "gzip"
    ? createGunzip({ chunkSize: OUT_BYTES })
    : createZstdDecompress({ chunkSize: OUT_BYTES });
}
