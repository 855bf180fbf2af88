import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { blockingForm } from "./blocking-form.ts";
import { lineAt } from "./line-at.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { MigrationSqlError } from "./migration-sql-error.ts";
import type { SqlFile } from "./sql-migration.ts";

/** SQLSTATEs of a lost connection or a transaction to be repeated, which say nothing about the file. */
const NOT_THE_FILE = /^(08...|57P0[123]|53300|40001|40P01)$/;

/** The function that runs a file; it is there for the time of that. */
const RUNNER = "aibos_run_file";

/**
 * Runs one file as the tenant's role, in its schema, inside a function that belongs to that role and has its rights:
 * there PostgreSQL lets nobody change the role, so that code in the file (a DO block, a function, a deferred trigger)
 * can't become the platform's role again.
 *
 * @throws MigrationSqlError; the transaction is aborted then
 */
export async function runSqlFile(
  client: ClientBase,
  { schema, role }: { schema: string; role: string },
  file: SqlFile,
): Promise<void> {
  const sql = await blockingForm(file.sql);
  const settings = { role, search_path: quoteIdentifier(schema) };
  const runner = `${quoteIdentifier(schema)}.${RUNNER}`;
  await withSettings(client, settings, async () => {
    await client.query(`create or replace function ${runner}(file text) returns void language plpgsql security definer
      as $run$ begin execute file; set constraints all immediate; end $run$`);
    await client.query(`select ${runner}($1)`, [sql]).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || NOT_THE_FILE.test(error.code ?? "")) throw error;
      // A position in the file comes as one in the function's own query.
      const inFile = error.internalQuery === sql ? error.internalPosition : undefined;
      const position = inFile === undefined ? undefined : Number(inFile) - 1;
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
    await client.query(`drop function ${runner}(text)`);
    const { rows } = await client.query<{ role: string; path: string }>(
      "select current_user as role, current_setting('search_path') as path",
    );
    if (rows[0]?.role !== role || rows[0].path !== settings.search_path) {
      throw new MigrationFileError(file.file, "it changes the role or the search_path, which are the platform's");
    }
  });
}
