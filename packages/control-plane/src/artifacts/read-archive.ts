import { ArchiveInvalidError, MANIFEST_FILE, type ModuleManifest, parseModuleManifest } from "@aibos/contract";
import { isMigrationFile } from "@aibos/tenant-data";
import { archiveEntries } from "./archive-entries.ts";

/** What the control plane needs to know of an archive. */
export interface ArchiveContent {
  readonly manifest: ModuleManifest;
  /** Every file, by its path. */
  readonly files: ReadonlyMap<string, { readonly size: number }>;
  /** The files of the manifest's migrations folder, SQL and operations, by their path in it, in the order of the paths. */
  readonly migrationFiles: readonly { readonly path: string; readonly content: string }[];
}

/** All migration files together take at most so much memory, in bytes. */
const MAX_MIGRATION_BYTES = 32 * 1024 * 1024;

/**
 * Checks an archive as a whole, in memory, and reads what a publication needs of it.
 *
 * @throws ArchiveInvalidError, ManifestInvalidError
 */
export async function readArchive(archive: Buffer): Promise<ArchiveContent> {
  const files = new Map<string, { size: number }>();
  let text: string | undefined;
  for await (const { path, content } of archiveEntries(archive)) {
    files.set(path, { size: content.length });
    if (path === MANIFEST_FILE) text = decode(path, content);
  }
  if (text === undefined) {
    throw new ArchiveInvalidError(null, `has no ${MANIFEST_FILE} at its root. Pack the module's folder itself.`);
  }
  const manifest = parseModuleManifest(text);
  const folder = `${plain(manifest.data.migrations)}/`.replace(/^\//, "");
  const isMigration = (path: string): boolean => path.startsWith(folder) && isMigrationFile(path.slice(folder.length));
  return { manifest, files, migrationFiles: await readMigrationFiles(archive, folder, files, isMigration) };
}

/** Reads the archive a second time: the manifest, which says where the migrations are, can come after them. */
async function readMigrationFiles(
  archive: Buffer,
  folder: string,
  files: ReadonlyMap<string, { readonly size: number }>,
  isMigration: (path: string) => boolean,
): Promise<ArchiveContent["migrationFiles"]> {
  const wanted = [...files].filter(([path]) => isMigration(path));
  if (wanted.length === 0) return [];
  let bytes = 0;
  for (const [path, { size }] of wanted) {
    bytes += size;
    if (bytes > MAX_MIGRATION_BYTES) {
      throw new ArchiveInvalidError(path, "makes the migration files larger than 32 MiB together.");
    }
  }
  const found: { path: string; content: string }[] = [];
  for await (const { path, content } of archiveEntries(archive)) {
    if (isMigration(path)) found.push({ path: path.slice(folder.length), content: decode(path, content) });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `./a/./b/` as `a/b`; the root as nothing. */
function plain(path: string): string {
  return path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .join("/");
}

function decode(path: string, content: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    throw new ArchiveInvalidError(path, "is not UTF-8 text.", { cause: error });
  }
}
