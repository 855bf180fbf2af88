import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { asRole } from "../with-settings.ts";
import { assertSameHistory, LEDGER_TABLE, readAppliedMigrations } from "./applied-migrations.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { runSqlFile } from "./run-sql-file.ts";
import type { SqlMigration } from "./sql-migration.ts";

export interface MigrationPlace {
  readonly schema: string;
  /** Owner of the schema: the files run as this role. */
  readonly role: string;
  /** All migrations of the release, from the first one. */
  readonly migrations: readonly SqlMigration[];
}

/**
 * Runs the up files that the data has not seen, in the caller's transaction. Returns them.
 *
 * @throws MigrationDriftError, MigrationFileError, MigrationSqlError; the caller must roll back
 */
export async function applySqlMigrations(client: ClientBase, place: MigrationPlace): Promise<SqlMigration[]> {
  const { schema, role, migrations } = place;
  const ledger = `${quoteIdentifier(schema)}.${LEDGER_TABLE}`;
  await asRole(client, role, () =>
    client.query(
      `create table if not exists ${ledger} (
         number integer primary key, name text not null, checksum text not null,
         applied_at timestamptz not null default now())`,
    ),
  );
  const applied = await readAppliedMigrations(client, schema);
  assertSameHistory(applied, migrations);
  const missing = migrations.slice(applied.length);
  for (const migration of missing) {
    await runSqlFile(client, place, migration.up);
    await client.query(`insert into ${ledger} (number, name, checksum) values ($1, $2, $3)`, [
      migration.number,
      migration.name,
      migration.up.checksum,
    ]);
  }
  return missing;
}

/**
 * Runs the down files of all applied migrations above a number, newest first. Returns them.
 *
 * @throws MigrationFileError when one has no down file
 */
export async function undoSqlMigrations(
  client: ClientBase,
  place: MigrationPlace & { readonly downTo: number },
): Promise<SqlMigration[]> {
  const { schema, migrations, downTo } = place;
  const applied = await readAppliedMigrations(client, schema);
  assertSameHistory(applied, migrations);
  const undone = migrations.slice(0, applied.length).filter((migration) => migration.number > downTo);
  for (const migration of undone.toReversed()) {
    if (migration.down === null) throw new MigrationFileError(migration.up.file, "it has no down file");
    await runSqlFile(client, place, migration.down);
    await client.query(`delete from ${quoteIdentifier(schema)}.${LEDGER_TABLE} where number = $1`, [migration.number]);
  }
  return undone.toReversed();
}
