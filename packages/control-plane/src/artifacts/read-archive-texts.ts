import { ArchiveInvalidError } from "@aibos/contract";
import { archiveEntries } from "./archive-entries.ts";

/** Reads some files of an archive as UTF-8. @throws ArchiveInvalidError for one that is missing or no text */
export async function readArchiveTexts(archive: Buffer, paths: ReadonlySet<string>): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  if (paths.size === 0) return texts;
  for await (const { path, content } of archiveEntries(archive)) {
    if (!paths.has(path)) continue;
    try {
      texts.set(path, new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content));
    } catch (error) {
      throw new ArchiveInvalidError(path, "is not UTF-8 text.", { cause: error });
    }
  }
  const [missing] = [...paths].filter((path) => !texts.has(path));
  if (missing !== undefined)
    throw new ArchiveInvalidError(missing, "is not in the archive, and the manifest names it.");
  return texts;
}
