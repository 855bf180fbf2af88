import { sql } from "kysely";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { MigrationFailure, MigrationResult } from "../../db/control-tables.ts";
import { notifyMigration, notifyMigrationEnd } from "./notify-migration.ts";

export interface OperationEnd {
  readonly status: "succeeded" | "failed" | "rolled-back" | "cancelled";
  readonly failure: MigrationFailure | null;
}

/** Enters how an operation ended. */
export async function endRecord(
  tx: ControlTransaction,
  migrationId: string,
  { status, failure }: OperationEnd,
  result: MigrationResult,
): Promise<void> {
  await tx.db
    .updateTable("migration_records")
    .set({
      status,
      failure: failure === null ? null : JSON.stringify(failure),
      result: JSON.stringify(result),
      finished_at: sql<Date>`clock_timestamp()`,
    })
    .where("id", "=", migrationId)
    .execute();
  await notifyMigration(tx, migrationId);
  await notifyMigrationEnd(tx, migrationId);
}
