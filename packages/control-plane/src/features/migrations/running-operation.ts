import type { Kysely } from "kysely";
import { OperationInProgressError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { isLockTimeout } from "../../db/lost-connection.ts";

/** So long a request waits for a short change of the same tenant's module that somebody else is making. */
const WAIT = "2s";

interface Pair {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

/**
 * Runs a short change of a tenant's module that an operation must not be in the middle of. While one runs, it is
 * refused at once: a step holds the fence for as long as its work takes, and waiting for it would keep a connection.
 *
 * @throws OperationInProgressError that names the operation
 */
export async function whileIdle<T>(
  database: ControlDatabase,
  pair: Pair,
  work: (tx: ControlTransaction) => Promise<T>,
): Promise<T> {
  await requireIdle(database.db, pair);
  try {
    return await database.transaction(async (tx) => {
      await tx.client.query("select set_config('lock_timeout', $1, true)", [WAIT]);
      return work(tx);
    });
  } catch (error) {
    if (isLockTimeout(error)) await requireIdle(database.db, pair);
    throw error;
  }
}

/** @throws OperationInProgressError while an operation of the tenant's module runs */
export async function requireIdle(db: Kysely<ControlTables>, { tenant, module }: Pair): Promise<void> {
  const running = await db
    .selectFrom("tenant_modules as t")
    .innerJoin("migration_records as r", "r.id", "t.migration_id")
    .select((eb) => [
      "r.id",
      "r.kind",
      "r.to_version",
      eb
        .selectFrom("migration_steps as s")
        .select("s.name")
        .whereRef("s.migration_id", "=", "r.id")
        .orderBy("s.position", "desc")
        .limit(1)
        .as("step"),
    ])
    .where("t.tenant", "=", tenant)
    .where("t.module", "=", module)
    .executeTakeFirst();
  if (running === undefined) return;
  throw new OperationInProgressError(tenant, module, {
    id: running.id,
    summary: `"${running.kind}"${running.to_version === null ? "" : ` to ${running.to_version}`} is running`,
    step: running.step,
  });
}
