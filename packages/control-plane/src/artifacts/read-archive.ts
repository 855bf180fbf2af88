import { ArchiveInvalidError, MANIFEST_FILE, type ModuleManifest, parseModuleManifest } from "@aibos/contract";
import { archiveEntries } from "./archive-entries.ts";

/** What the control plane needs to know of an archive. */
export interface ArchiveContent {
  readonly manifest: ModuleManifest;
  /** Every file, by its path. */
  readonly files: ReadonlyMap<string, { readonly size: number }>;
  /** The `.sql` files of the manifest's migrations folder, by their path in that folder, in the order of the paths. */
  readonly migrationFiles: readonly { readonly path: string; readonly content: string }[];
}

/** The SQL of all migrations together takes at most so much memory, in bytes. */
const MAX_SQL_BYTES = 32 * 1024 * 1024;

/**
 * Checks an archive as a whole, in memory, and reads what a publication needs of it.
 *
 * @throws ArchiveInvalidError, ManifestInvalidError
 */
export async function readArchive(archive: Buffer): Promise<ArchiveContent> {
  const files = new Map<string, { size: number }>();
  const sql = new Map<string, Buffer>();
  let sqlBytes = 0;
  let text: string | undefined;
  for await (const { path, content } of archiveEntries(archive)) {
    files.set(path, { size: content.length });
    if (path === MANIFEST_FILE) text = decode(path, content);
    // Where the migrations are is known at the end only: the manifest can come after them.
    if (!path.endsWith(".sql")) continue;
    sqlBytes += content.length;
    if (sqlBytes > MAX_SQL_BYTES)
      throw new ArchiveInvalidError(path, "makes the SQL files larger than 32 MiB together.");
    sql.set(path, content);
  }
  if (text === undefined) {
    throw new ArchiveInvalidError(null, `has no ${MANIFEST_FILE} at its root. Pack the module's folder itself.`);
  }
  const manifest = parseModuleManifest(text);
  const folder = `${plain(manifest.data.migrations)}/`.replace(/^\//, "");
  const migrationFiles = [...sql]
    .filter(([path]) => path.startsWith(folder))
    .map(([path, content]) => ({ path: path.slice(folder.length), content: decode(path, content) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return { manifest, files, migrationFiles };
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
