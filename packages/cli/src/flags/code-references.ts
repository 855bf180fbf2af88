import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** Where source code names a flag. */
export interface CodeReference {
  readonly flag: string;
  /** Relative to the folder. */
  readonly file: string;
  readonly line: number;
}

const SKIPPED = new Set(["node_modules", ".git", "dist", "build", "coverage", "vendor", ".aibos"]);
const SOURCE = /\.(ts|tsx|js|jsx|mjs|cjs|mts|cts|py|go|java|kt|rb|php|cs|rs|swift|vue|svelte|html|sql|ya?ml|json)$/;
const MAX_BYTES = 2 * 1024 * 1024;

/** Finds flags' keys as whole words in the source files of a folder. */
export async function findCodeReferences(folder: string, flags: readonly string[]): Promise<CodeReference[]> {
  const found: CodeReference[] = [];
  if (flags.length === 0) return found;
  const escaped = flags.toSorted((a, b) => b.length - a.length).map((flag) => flag.replace(/[.\-\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\w.-])(${escaped.join("|")})(?![\\w-])`, "g");
  for (const file of await sourceFiles(folder, "")) {
    const text = await readFile(join(folder, file), "utf8");
    for (const [index, line] of text.split("\n").entries()) {
      for (const flag of new Set([...line.matchAll(pattern)].map(([match]) => match))) {
        found.push({ flag, file, line: index + 1 });
      }
    }
  }
  return found;
}

async function sourceFiles(folder: string, inside: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
    const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) files.push(...(await sourceFiles(folder, path)));
    if (entry.isFile() && SOURCE.test(entry.name) && (await stat(join(folder, path))).size <= MAX_BYTES)
      files.push(path);
  }
  return files.sort();
}
