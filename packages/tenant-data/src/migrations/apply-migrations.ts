import { withFieldsAside } from "../custom-fields/fields-around-sql.ts";
import { readTableChanges } from "../custom-fields/read-table-changes.ts";
import { openTenantLiveSchema } from "../live/tenant-live-schema.ts";
import type { CustomFieldChoices } from "../operations/start-context.ts";
import type { TenantSession } from "../roles/tenant-session.ts";
import { applySqlMigrations } from "../sql-migrations/apply-sql-migrations.ts";
import { assertSameHistory } from "./applied-migrations.ts";
import { historyOf, type Migration, migrationLabel, type OperationMigration, releaseFiles } from "./migration.ts";
import { readHistory } from "./read-history.ts";

export interface AppliedMigrations {
  /** What was run, in that order. */
  readonly migrations: readonly Migration[];
  /** What SQL files ask for and was left out, and why: `file:line: …`. */
  readonly notices: readonly string[];
}

/**
 * Brings data that nobody uses meanwhile to a release: runs the migrations that it has not seen, whatever their kind.
 * Files of operations that follow each other are started and completed together. When one fails, those before it stay:
 * take a rollback point first.
 *
 * @param migrations all migrations of the release, from the first one
 * @param options.customFields what becomes of a tenant's own columns whose names the release takes, by `table.column`
 * @throws MigrationDriftError and MigrationInterruptedError before anything is run; what `applySqlMigrations` and the
 *   live schema's `start` and `backfill` throw
 */
export async function applyMigrations(
  session: TenantSession,
  migrations: readonly Migration[],
  { customFields = new Map() }: { customFields?: CustomFieldChoices } = {},
): Promise<AppliedMigrations> {
  const applied = await readHistory(session.client, session.place.schema);
  assertSameHistory(applied, historyOf(migrations));
  const missing = migrations.slice(applied.length);
  const notices: string[] = [];
  for (let at = applied.length; at < migrations.length;) {
    const operations = leadingOperations(migrations.slice(at));
    if (operations.length > 0) {
      await applyOperations(session, operations, customFields);
      at += operations.length;
      continue;
    }
    const next = migrations.findIndex(({ kind }, index) => index > at && kind === "operations");
    const end = next === -1 ? migrations.length : next;
    const changes = (await Promise.all(migrations.slice(at, end).map(readTableChanges))).flat();
    at = end;
    const ran = await withFieldsAside(session, changes, customFields, () =>
      applySqlMigrations(session, migrations.slice(0, end)),
    );
    notices.push(...ran.notices);
  }
  return { migrations: missing, notices };
}

function leadingOperations(migrations: readonly Migration[]): OperationMigration[] {
  const group: OperationMigration[] = [];
  for (const migration of migrations) {
    if (migration.kind !== "operations") break;
    group.push(migration);
  }
  return group;
}

/** The names of the versions are passing ones. */
async function applyOperations(
  session: TenantSession,
  group: readonly OperationMigration[],
  customFields: CustomFieldChoices,
): Promise<void> {
  const [first] = group;
  const last = group.at(-1);
  if (first === undefined || last === undefined) return;
  const live = openTenantLiveSchema(session);
  const version = migrationLabel(last);
  await live.start(`before ${migrationLabel(first)}`, { version, files: releaseFiles(group), customFields });
  for await (const { table } of live.backfill(version)) void table;
  await live.complete(version);
}
