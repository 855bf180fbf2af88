import { sql } from "kysely";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";

/** Who may write to a tenant's module: the execution of a migration that took it up last. */
export interface FenceHolder {
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly migrationId: string;
  readonly epoch: number;
}

/** Another execution took the migration up, or it has ended: this one must not write any more. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

/** So long a statement waits for somebody else's lock. */
const LOCK_TIMEOUT = "10s";

/**
 * Makes this transaction the only one that changes the tenant's module: takes the advisory lock of the pair (not of
 * the fleet, which would make tenants wait for each other) and its row.
 */
export async function lockTenantModule(
  { db }: ControlTransaction,
  { tenant, module }: { tenant: TenantId; module: ModuleId },
): Promise<{ epoch: number; migrationId: string | null } | undefined> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`aibos ${tenant}/${module}`}, 0))`.execute(db);
  const row = await db
    .selectFrom("tenant_modules")
    .select(["epoch", "migration_id"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? undefined : { epoch: row.epoch, migrationId: row.migration_id };
}

/** @throws FencedError when the holder lost its place */
export async function passFence(tx: ControlTransaction, holder: FenceHolder): Promise<void> {
  const row = await lockTenantModule(tx, holder);
  // From here on: what a step waits for is somebody else's use of the tenant's tables.
  await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(tx.db);
  if (row?.migrationId !== holder.migrationId || row.epoch !== holder.epoch) {
    throw new FencedError(`${holder.migrationId} was taken up by another process, or has ended.`);
  }
}
