import { sql } from "kysely";
import type { ControlTransaction } from "../../db/control-database.ts";

/** Tells those who watch a migration that it changed, when this transaction commits. */
export async function notifyMigration({ db }: Pick<ControlTransaction, "db">, migrationId: string): Promise<void> {
  await sql`select pg_notify('aibos_migrations', ${migrationId})`.execute(db);
}

/** Tells those who wait for an end of any of them. */
export async function notifyMigrationEnd({ db }: ControlTransaction, migrationId: string): Promise<void> {
  await sql`select pg_notify('aibos_migration_ends', ${migrationId})`.execute(db);
}
