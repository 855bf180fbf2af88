/**
 * What a module's archive may hold. Packing applies the rules so that an author hears of a breach at once; the control
 * plane applies them again because anybody can send it an archive.
 */
export const ARCHIVE_LIMITS = {
  /** Bytes of the archive itself. */
  packedBytes: 64 * 1024 * 1024,
  /** Bytes of all files together. */
  unpackedBytes: 256 * 1024 * 1024,
  files: 10_000,
  /** Bytes of a path, and of one name in it: what the usual file systems take, with room for the folder it is put in. */
  pathBytes: 1024,
  nameBytes: 255,
} as const;

/** What is wrong with a file's path inside an archive; undefined: nothing. */
export function archivePathProblem(path: string): string | undefined {
  if (path === "") return "has no name.";
  if (/[\p{Cc}\u2028\u2029]/u.test(path)) return "has a control character in its name; rename it.";
  if (!path.isWellFormed() || path.includes("\ufffd")) return "has a name that is not UTF-8; rename it.";
  if (path.includes("\\")) return "has a backslash in its name, which some systems take for a folder; rename it.";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "has an absolute path; paths must be relative.";
  const names = path.split("/");
  if (names.includes("..")) return "leaves the module's folder by `..`.";
  if (names.includes(".") || names.includes("")) return "is not written plainly: it has `.` or an empty name in it.";
  if (Buffer.byteLength(path) > ARCHIVE_LIMITS.pathBytes)
    return `has a path of more than ${ARCHIVE_LIMITS.pathBytes} bytes.`;
  if (names.some((name) => Buffer.byteLength(name) > ARCHIVE_LIMITS.nameBytes)) {
    return `has a name of more than ${ARCHIVE_LIMITS.nameBytes} bytes.`;
  }
  return undefined;
}

/** Keeps the paths of an archive apart on every file system, those that ignore case or normalise Unicode included. */
export class ArchivePaths {
  readonly #files = new Map<string, string>();
  readonly #folders = new Map<string, string>();

  /** Adds a file; gives what is wrong with it beside those added before, or undefined. */
  add(path: string): string | undefined {
    const names = path.split("/");
    for (let depth = 1; depth < names.length; depth++) {
      const folder = names.slice(0, depth).join("/");
      const key = sameName(folder);
      const file = this.#files.get(key);
      if (file !== undefined) return `is inside ${JSON.stringify(file)}, which is a file.`;
      const other = this.#folders.get(key);
      if (other !== undefined && other !== folder) return clash(other);
      this.#folders.set(key, folder);
    }
    const key = sameName(path);
    const other = this.#files.get(key);
    if (other === path) return "is in it twice.";
    if (other !== undefined) return clash(other);
    const folder = this.#folders.get(key);
    if (folder !== undefined) return `is a file, and ${JSON.stringify(folder)} is a folder.`;
    this.#files.set(key, path);
    return undefined;
  }
}

function sameName(path: string): string {
  return path.normalize("NFC").toLowerCase().normalize("NFC");
}

function clash(other: string): string {
  return `differs from ${JSON.stringify(other)} only in case or accents; some systems can't keep both. Rename one.`;
}
