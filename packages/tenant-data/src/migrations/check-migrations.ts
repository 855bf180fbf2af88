import { assessStatements } from "../statement-risk/assess-statements.ts";
import { MigrationFileError } from "../sql-migrations/migration-file-error.ts";
import { ONLY_PUBLIC } from "../sql-migrations/own-schemas.ts";
import { planSqlFile } from "../sql-migrations/plan-sql-file.ts";
import type { Migration, OperationMigration } from "./migration.ts";

/** Reads the statements of all files with PostgreSQL's own parser. @throws MigrationFileError with file and place */
export async function checkMigrations(migrations: readonly Migration[]): Promise<void> {
  let schemas = ONLY_PUBLIC;
  for (const migration of migrations) {
    if (migration.kind === "operations") {
      await checkOperations(migration);
      continue;
    }
    ({ schemas } = await planSqlFile(migration.up, schemas));
    if (migration.down !== null) await planSqlFile(migration.down, schemas);
  }
}

async function checkOperations({ file }: OperationMigration): Promise<void> {
  for (const [index, operation] of file.operations.entries()) {
    if (operation.kind !== "sql") continue;
    for (const [field, sql] of Object.entries({ up: operation.with.up, down: operation.with.down })) {
      if (sql === undefined) continue;
      await assessStatements(sql).catch((cause: unknown) => {
        const detail = cause instanceof Error ? cause.message : String(cause);
        throw new MigrationFileError(file.file, `operation ${index + 1} (sql), "${field}" is not SQL: ${detail}`);
      });
    }
  }
}
