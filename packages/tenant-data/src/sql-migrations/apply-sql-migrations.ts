import { ensureExtensions } from "../extensions/ensure-extensions.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { TenantSession } from "../roles/tenant-session.ts";
import {
  type AppliedMigration,
  assertSameHistory,
  enterMigration,
  LEDGER_TABLE,
  prepareLedger,
  readAppliedMigrations,
} from "../migrations/applied-migrations.ts";
import { historyOf, type Migration } from "../migrations/migration.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { MigrationInterruptedError } from "./migration-interrupted-error.ts";
import { planHistory } from "./plan-history.ts";
import { planSqlFile, type SqlFilePlan } from "./plan-sql-file.ts";
import { runSqlFile } from "./run-sql-file.ts";
import type { SqlMigration } from "./sql-migration.ts";

export interface MigrationResult {
  /** What was run, in that order. */
  readonly migrations: readonly SqlMigration[];
  /** What the files ask for and was left out, and why: `file:line: …`. */
  readonly notices: readonly string[];
}

/**
 * Runs the up files that the data has not seen, each with its entry in the ledger, as {@link runSqlFile} says. When one
 * fails, those before it stay: take a rollback point first.
 *
 * @param migrations all migrations of the release, from the first one
 * @throws MigrationDriftError, MigrationInterruptedError and ExtensionUnavailableError before anything is run,
 *   MigrationFileError, MigrationSqlError
 */
export async function applySqlMigrations(
  session: TenantSession,
  migrations: readonly Migration[],
): Promise<MigrationResult> {
  const applied = await readHistory(session, migrations);
  const missing = onlySql(migrations.slice(applied.length));
  const { plans } = await planHistory(migrations.slice(0, applied.length), missing);
  await ensureExtensions(
    session.platform,
    plans.flatMap(({ extensions }) => extensions),
  );
  const { client, place } = session;
  await prepareLedger(client, place.schema);
  for (const [index, entry] of historyOf(missing).entries()) {
    const plan = plans[index];
    if (plan === undefined) continue;
    const enter = (finished: boolean): Promise<void> => enterMigration(client, place.schema, entry, finished);
    await runSqlFile(session, plan, { begun: () => enter(false), finished: () => enter(true) });
  }
  await closeSchema(session);
  return { migrations: missing, notices: plans.flatMap(({ notices }) => notices) };
}

/**
 * Runs the down files of all applied migrations above a number, newest first.
 *
 * @throws MigrationFileError when one has no down file; nothing is run then
 */
export async function undoSqlMigrations(
  session: TenantSession,
  migrations: readonly Migration[],
  downTo: number,
): Promise<MigrationResult> {
  const applied = await readHistory(session, migrations);
  const { client, place } = session;
  const undone = onlySql(migrations.slice(0, applied.length).filter((migration) => migration.number > downTo));
  const plans: SqlFilePlan[] = [];
  const { schemas } = await planHistory(migrations, []);
  for (const { up, down } of undone.toReversed()) {
    if (down === null) throw new MigrationFileError(up.file, "it has no down file");
    plans.push(await planSqlFile(down, schemas));
  }
  await ensureExtensions(
    session.platform,
    plans.flatMap(({ extensions }) => extensions),
  );
  if (undone.length > 0) await prepareLedger(client, place.schema);
  const ledger = `${quoteIdentifier(place.schema)}.${LEDGER_TABLE}`;
  for (const [index, { number }] of undone.toReversed().entries()) {
    const plan = plans[index];
    if (plan === undefined) continue;
    await runSqlFile(session, plan, {
      begun: async () => {
        await client.query(`update ${ledger} set finished = false where number = $1`, [number]);
      },
      finished: async () => {
        await client.query(`delete from ${ledger} where number = $1`, [number]);
      },
    });
  }
  await closeSchema(session);
  return { migrations: undone.toReversed(), notices: plans.flatMap(({ notices }) => notices) };
}

async function readHistory(
  { client, place }: TenantSession,
  migrations: readonly Migration[],
): Promise<AppliedMigration[]> {
  const applied = await readAppliedMigrations(client, place.schema);
  assertSameHistory(applied, historyOf(migrations));
  const interrupted = applied.find(({ finished }) => !finished);
  if (interrupted !== undefined) throw new MigrationInterruptedError(interrupted);
  return applied;
}

/** Nobody but the tenant reaches its schema, whatever a file granted where no reading finds it. */
async function closeSchema({ client, place }: TenantSession): Promise<void> {
  const { rowCount } = await client.query(
    `select from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = $1 and a.grantee = 0`,
    [place.schema],
  );
  if (rowCount !== 0) await client.query(`revoke all on schema ${quoteIdentifier(place.schema)} from public`);
}

/** @throws MigrationFileError for a file of operations, which is not SQL that runs once */
function onlySql(migrations: readonly Migration[]): SqlMigration[] {
  return migrations.map((migration) => {
    if (migration.kind === "sql") return migration;
    throw new MigrationFileError(migration.file.file, "it is a file of operations, not of SQL");
  });
}
