import { planSqlFile } from "./plan-sql-file.ts";
import type { SqlMigration } from "./sql-migration.ts";

/** Reads the statements of all files with PostgreSQL's own parser. @throws MigrationFileError with file and line */
export async function checkStatements(migrations: readonly SqlMigration[]): Promise<void> {
  for (const { up, down } of migrations) {
    await planSqlFile(up);
    if (down !== null) await planSqlFile(down);
  }
}
