import type { OperationFile } from "../operations/parse-operations.ts";
import type { SqlMigration } from "../sql-migrations/sql-migration.ts";

/** A file of operations in a module's list: older and newer versions can use the data at the same time. */
export interface OperationMigration {
  readonly kind: "operations";
  readonly number: number;
  readonly name: string;
  readonly file: OperationFile;
}

/** A numbered change of the data. Numbers count through a module's list, whatever the kinds. */
export type Migration = SqlMigration | OperationMigration;

/** What is compared when a list of migrations is held against what the data went through. */
export interface HistoryEntry {
  readonly number: number;
  readonly name: string;
  /** SHA-256 of the file, of the up file of two. */
  readonly checksum: string;
  /** The file's text, where it is known. */
  readonly content?: string | null;
}

export function historyOf(migrations: readonly Migration[]): HistoryEntry[] {
  return migrations.map((migration) => {
    const { number, name } = migration;
    return migration.kind === "sql"
      ? { number, name, checksum: migration.up.checksum, content: migration.up.sql }
      : { number, name, checksum: migration.file.checksum, content: migration.file.content };
  });
}

/** Files of operations as a live schema takes them: with their numbers and names in the module's list. */
export function releaseFiles(
  migrations: readonly OperationMigration[],
): (OperationFile & { readonly number: number })[] {
  return migrations.map(({ number, name, file }) => ({ ...file, number, name }));
}

export function migrationLabel({ number, name }: Pick<HistoryEntry, "number" | "name">): string {
  return `${String(number).padStart(3, "0")}_${name}`;
}
