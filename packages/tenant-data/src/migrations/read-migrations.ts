import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Migration } from "./migration.ts";
import { isMigrationFile, parseMigrations } from "./parse-migrations.ts";

/** Reads a folder of migration files. A folder that is not there has none. @throws MigrationFileError */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return parseMigrations(
    await Promise.all(
      names
        .filter(isMigrationFile)
        .map(async (name) => ({ path: join(folder, name), content: await readFile(join(folder, name), "utf8") })),
    ),
  );
}
