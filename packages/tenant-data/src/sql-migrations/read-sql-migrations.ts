import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSqlMigrations, type SqlMigration } from "./sql-migration.ts";

/** Reads a folder of migration files. A folder that is not there has none. @throws MigrationFileError */
export async function readSqlMigrations(folder: string): Promise<SqlMigration[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith(".sql"));
  return parseSqlMigrations(
    await Promise.all(
      files.map(async (name) => ({ path: join(folder, name), content: await readFile(join(folder, name), "utf8") })),
    ),
  );
}
