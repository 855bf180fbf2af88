import { lstat, readFile, readdir, realpath } from "node:fs/promises";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "fflate";
import ignore, { type Ignore } from "ignore";
import { create } from "tar";
import { ARCHIVE_LIMITS, ArchiveInvalidError, archivePathProblem, ArchivePaths } from "@aibos/contract";

/** What is left out unless `.aibosignore` takes it back. */
const LEFT_OUT = [".git", ".aibos", "node_modules", ".DS_Store"];
const IGNORE_FILE = ".aibosignore";

export interface PackedModule {
  /** A gzipped tar. */
  readonly archive: Buffer;
  readonly files: number;
  /** Whether a `node_modules` of the folder is not in it. */
  readonly withoutNodeModules: boolean;
}

/**
 * Packs a module's folder. The same content makes the same bytes on every machine: paths are sorted, owners and dates
 * left out, permissions reduced to executable or not, and the compression is plain JavaScript, since zlib's output
 * differs between versions and processors.
 *
 * @throws ArchiveInvalidError for links, special files, unusable names and whatever passes a limit
 */
export async function packModule(folder: string): Promise<PackedModule> {
  const root = await realpath(folder);
  const files = await listFiles(root, await readIgnoreFile(root));
  const statCache = new Map(files.map(({ path, stats }) => [join(root, path), plainStats(stats)]));
  const tar = await create(
    {
      cwd: root,
      portable: true,
      mtime: new Date(0),
      noDirRecurse: true,
      statCache,
      onWriteEntry: (entry) => (entry.path = entry.path.replace(/^\.\//, "")),
    },
    // A name that begins with @ would be taken for an archive whose entries are to be copied.
    files.map(({ path }) => `./${path}`),
  ).concat();
  const archive = Buffer.from(gzipSync(tar, { level: 9, mtime: 0 }));
  if (archive.length > ARCHIVE_LIMITS.packedBytes) {
    throw new ArchiveInvalidError(null, `is larger than ${mebibytes(ARCHIVE_LIMITS.packedBytes)}. ${SMALLER}`);
  }
  const packed = files.some(({ path }) => path.startsWith("node_modules/"));
  const isThere = (await readdir(root)).includes("node_modules");
  return { archive, files: files.length, withoutNodeModules: isThere && !packed };
}

const SMALLER = `Leave out what the version does not need at run time, in ${IGNORE_FILE}.`;

interface FoundFile {
  readonly path: string;
  readonly stats: Stats;
}

async function listFiles(root: string, ignored: Ignore): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const paths = new ArchivePaths();
  let bytes = 0;

  async function visit(folder: string): Promise<void> {
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const stats = await lstat(join(root, path));
      if (ignored.ignores(stats.isDirectory() ? `${path}/` : path)) continue;
      if (stats.isDirectory()) {
        await visit(path);
        continue;
      }
      const problem = kindProblem(stats) ?? archivePathProblem(path) ?? paths.add(path);
      if (problem !== undefined) throw new ArchiveInvalidError(path, problem);
      bytes += stats.size;
      if (bytes > ARCHIVE_LIMITS.unpackedBytes) {
        throw new ArchiveInvalidError(null, `has more than ${mebibytes(ARCHIVE_LIMITS.unpackedBytes)}. ${SMALLER}`);
      }
      found.push({ path, stats });
      if (found.length > ARCHIVE_LIMITS.files) {
        throw new ArchiveInvalidError(
          null,
          `has more than ${ARCHIVE_LIMITS.files.toLocaleString("en")} files. ${SMALLER}`,
        );
      }
    }
  }

  await visit("");
  return found.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

async function readIgnoreFile(root: string): Promise<Ignore> {
  const text = await readFile(join(root, IGNORE_FILE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return ignore().add(LEFT_OUT).add(text);
}

function kindProblem(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isSymbolicLink()) return `is a link; put the file itself there, or name it in ${IGNORE_FILE}.`;
  return `is neither a file nor a folder; name it in ${IGNORE_FILE}.`;
}

/** Two names of one file are two files, and of the permissions only "executable" is kept. */
function plainStats(stats: Stats): Stats {
  stats.mode = (stats.mode & 0o170000) | ((stats.mode & 0o100) === 0 ? 0o644 : 0o755);
  stats.nlink = 1;
  return stats;
}

function mebibytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`;
}
