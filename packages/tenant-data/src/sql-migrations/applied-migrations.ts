import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { MigrationDriftError } from "./migration-drift-error.ts";
import type { SqlMigration } from "./sql-migration.ts";

/** The table, in the tenant's own schema, that says which migrations its data went through. A copy carries it along. */
export const LEDGER_TABLE = "aibos_migrations";

export interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  /** SHA-256 of the up file. */
  readonly checksum: string;
}

/** What the data went through, in order; empty where nothing was applied. */
export async function readAppliedMigrations(client: ClientBase, schema: string): Promise<AppliedMigration[]> {
  const table = `${quoteIdentifier(schema)}.${LEDGER_TABLE}`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found[0]?.there !== true) return [];
  const { rows } = await client.query<AppliedMigration>(`select number, name, checksum from ${table} order by number`);
  return rows;
}

/**
 * Checks that a release's list begins with what was applied.
 *
 * @throws MigrationDriftError naming the first that differs
 */
export function assertSameHistory(
  applied: readonly AppliedMigration[],
  release: readonly Pick<SqlMigration, "number" | "name" | "up">[],
): void {
  for (const [index, before] of applied.entries()) {
    const now = release[index];
    if (now === undefined) throw new MigrationDriftError(before, "the release does not have it");
    if (now.number !== before.number || now.name !== before.name) {
      throw new MigrationDriftError(before, `the release has ${label(now)} in its place`);
    }
    if (now.up.checksum !== before.checksum) throw new MigrationDriftError(before, "its content was changed");
  }
}

function label({ number, name }: { number: number; name: string }): string {
  return `${String(number).padStart(3, "0")}_${name}`;
}
