import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { lineAt } from "./line-at.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { MigrationSqlError } from "./migration-sql-error.ts";
import type { SqlFile } from "./sql-migration.ts";

/** SQLSTATEs of a lost connection or a transaction to be repeated, which say nothing about the file. */
const NOT_THE_FILE = /^(08...|57P0[123]|53300|40001|40P01)$/;

/** Runs one file as the tenant's role, in its schema. @throws MigrationSqlError; the transaction is aborted then */
export async function runSqlFile(
  client: ClientBase,
  { schema, role }: { schema: string; role: string },
  file: SqlFile,
): Promise<void> {
  const settings = { role, search_path: quoteIdentifier(schema) };
  await withSettings(client, settings, async () => {
    await client.query(file.sql).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || NOT_THE_FILE.test(error.code ?? "")) throw error;
      const position = error.position === undefined ? undefined : Number(error.position) - 1;
      throw new MigrationSqlError(
        {
          file: file.file,
          line: position === undefined ? undefined : lineAt(file.sql, position, "characters"),
          sqlState: error.code ?? "unknown",
          message: error.message,
          hint: error.hint,
        },
        { cause: error },
      );
    });
    const { rows } = await client.query<{ role: string; path: string }>(
      "select current_user as role, current_setting('search_path') as path",
    );
    if (rows[0]?.role !== role || rows[0].path !== settings.search_path) {
      throw new MigrationFileError(file.file, "it changes the role or the search_path, which are the platform's");
    }
  });
}
