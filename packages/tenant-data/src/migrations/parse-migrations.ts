import { parseOperations } from "../operations/parse-operations.ts";
import { MigrationFileError } from "../sql-migrations/migration-file-error.ts";
import { parseSqlMigrations } from "../sql-migrations/sql-migration.ts";
import type { Migration, OperationMigration } from "./migration.ts";

const OPERATION_FILE = /^(\d{1,15})_([A-Za-z0-9][A-Za-z0-9_.-]{0,150}?)\.(json|ya?ml)$/;

/** Whether a file in a folder of migrations is one of them: other files may lie there. */
export function isMigrationFile(path: string): boolean {
  return /\.(sql|json|ya?ml)$/.test(path);
}

/**
 * Orders files into migrations: pairs of SQL files, and files of operations.
 *
 * @param files paths, of which the last part counts, with their contents
 * @throws MigrationFileError naming the file
 */
export function parseMigrations(files: readonly { path: string; content: string }[]): Migration[] {
  const sql = parseSqlMigrations(files.filter(({ path }) => path.endsWith(".sql")));
  const taken = new Map<number, string>(sql.map(({ number, up }) => [number, up.file]));
  const operations: OperationMigration[] = [];
  for (const { path, content } of files.filter((file) => !file.path.endsWith(".sql"))) {
    const [, digits = "", name = ""] = OPERATION_FILE.exec(path.split("/").at(-1) ?? "") ?? [];
    if (name === "") throw new MigrationFileError(path, 'it must be named like "001_customers.yaml"');
    const number = Number(digits);
    if (number === 0) throw new MigrationFileError(path, "numbers begin at 001");
    const other = taken.get(number);
    if (other !== undefined) throw new MigrationFileError(path, `${other} has the same number`);
    taken.set(number, path);
    operations.push({ kind: "operations", number, name, file: parseOperations(path, content) });
  }
  return [...sql, ...operations].sort((a, b) => a.number - b.number);
}
