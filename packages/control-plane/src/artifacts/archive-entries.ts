import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { ARCHIVE_LIMITS, ArchiveInvalidError, archivePathProblem, ArchivePaths } from "@aibos/contract";

/** One file of an archive. */
export interface ArchiveEntry {
  /** Safe: relative, plain, and the only one of its name on every file system. */
  readonly path: string;
  readonly content: Buffer;
  readonly executable: boolean;
}

/** Headers, padding and long names may add so much to the files' own bytes. */
const OVERHEAD_BYTES = 32 * 1024 * 1024;
const MAX_ENTRIES = 2 * ARCHIVE_LIMITS.files;
const GZIP_MAGIC = 0x1f8b;

/**
 * The files of a module's archive, a gzipped tar, one after the other. An archive comes from anybody who may publish:
 * nothing of it is believed, and reading stops at the first thing that is wrong, before more of it is decompressed.
 *
 * Folders are accepted and left out; links, devices and everything else that is not a file are refused.
 *
 * @throws ArchiveInvalidError
 */
export async function* archiveEntries(archive: Buffer): AsyncGenerator<ArchiveEntry, void, undefined> {
  if (archive.length > ARCHIVE_LIMITS.packedBytes) {
    throw new ArchiveInvalidError(null, `is larger than ${megabytes(ARCHIVE_LIMITS.packedBytes)}.`);
  }
  if (archive.length < 18 || archive.readUInt16BE(0) !== GZIP_MAGIC) {
    throw new ArchiveInvalidError(null, 'is not a gzipped tar. Make it with "aibos-versions publish".');
  }
  const reader = createEntryReader();
  let bytes = 0;
  const gunzip = createGunzip();
  gunzip.end(archive);
  try {
    for await (const chunk of gunzip.iterator({ destroyOnReturn: true })) {
      if (!Buffer.isBuffer(chunk)) continue;
      // The parser would decompress a gzip inside the gzip, which nobody has counted.
      if (bytes === 0 && chunk.length > 1 && chunk.readUInt16BE(0) === GZIP_MAGIC) {
        throw new ArchiveInvalidError(null, "is compressed twice.");
      }
      bytes += chunk.length;
      if (bytes > ARCHIVE_LIMITS.unpackedBytes + OVERHEAD_BYTES) throw tooLarge();
      yield* reader.write(chunk);
    }
  } catch (error) {
    if (error instanceof ArchiveInvalidError) throw error;
    throw new ArchiveInvalidError(null, `is damaged: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  } finally {
    gunzip.destroy();
  }
  yield* reader.end();
}

interface EntryReader {
  /** Gives the files that became complete. @throws ArchiveInvalidError */
  write(chunk: Buffer): ArchiveEntry[];
  /** @throws ArchiveInvalidError */
  end(): ArchiveEntry[];
}

function createEntryReader(): EntryReader {
  const parser = new Parser({ strict: true, zstd: false, brotli: false });
  const paths = new ArchivePaths();
  let complete: ArchiveEntry[] = [];
  let failure: ArchiveInvalidError | undefined;
  let entries = 0;
  let files = 0;
  let bytes = 0;

  const fail = (error: ArchiveInvalidError): void => {
    failure ??= error;
  };

  function checkFile(path: string, size: number): ArchiveInvalidError | undefined {
    files++;
    bytes += size;
    if (files > ARCHIVE_LIMITS.files) {
      return new ArchiveInvalidError(null, `has more than ${ARCHIVE_LIMITS.files.toLocaleString("en")} files.`);
    }
    if (bytes > ARCHIVE_LIMITS.unpackedBytes) return tooLarge();
    const problem = paths.add(path);
    return problem === undefined ? undefined : new ArchiveInvalidError(path, problem);
  }

  function onEntry(entry: ReadEntry): void {
    entries++;
    const path = entry.path;
    const folder = entry.type === "Directory";
    const problem = kindProblem(entry) ?? archivePathProblem(folder ? path.replace(/\/$/, "") : path);
    if (problem !== undefined) fail(new ArchiveInvalidError(path, problem));
    else if (entries > MAX_ENTRIES) fail(new ArchiveInvalidError(null, "has too many entries."));
    else if (!folder) {
      const error = checkFile(path, entry.size);
      if (error !== undefined) fail(error);
    }
    if (failure !== undefined || folder) {
      entry.resume();
      return;
    }
    const chunks: Buffer[] = [];
    entry.on("data", (chunk) => chunks.push(chunk));
    entry.on("end", () => {
      complete.push({ path, content: Buffer.concat(chunks), executable: ((entry.mode ?? 0) & 0o100) !== 0 });
    });
  }

  parser.on("entry", onEntry);
  // The parser skips kinds that it does not know, and extended headers of more than a mebibyte.
  parser.on("ignoredEntry", (entry: ReadEntry) => {
    fail(new ArchiveInvalidError(entry.path, entry.meta ? "is a header that is too large." : "is of an unknown kind."));
  });
  parser.on("error", (error) => {
    fail(new ArchiveInvalidError(null, `is damaged: ${error.message.replace(/\.$/, "")}.`, { cause: error }));
  });

  function taken(): ArchiveEntry[] {
    if (failure !== undefined) throw failure;
    const taken = complete;
    complete = [];
    return taken;
  }

  return {
    write(chunk) {
      parser.write(chunk);
      return taken();
    },
    end() {
      parser.end();
      return taken();
    },
  };
}

function kindProblem({ type }: ReadEntry): string | undefined {
  if (type === "File" || type === "OldFile" || type === "Directory") return undefined;
  if (type === "SymbolicLink" || type === "Link") return "is a link; put the file itself there.";
  return `is neither a file nor a folder but "${type}".`;
}

function tooLarge(): ArchiveInvalidError {
  return new ArchiveInvalidError(null, `is larger than ${megabytes(ARCHIVE_LIMITS.unpackedBytes)} when unpacked.`);
}

function megabytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`;
}
