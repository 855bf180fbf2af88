import { sql } from "kysely";
import type { ModuleId, Version } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";

/** Keeps tenants from being moved to a version, unless it is in quarantine already. */
export async function quarantine(
  { db }: ControlTransaction,
  what: { module: ModuleId; version: Version; reason: string; fleetUpgradeId: string },
): Promise<void> {
  const { module, version, reason, fleetUpgradeId } = what;
  await db
    .insertInto("quarantined_versions")
    .values({ module, version, reason, fleet_upgrade_id: fleetUpgradeId })
    .onConflict((conflict) => conflict.columns(["module", "version"]).where("released_at", "is", null).doNothing())
    .execute();
}

/** Ends it. Returns whether there was one. */
export async function release({ db }: ControlTransaction, module: ModuleId, version: Version): Promise<boolean> {
  const released = await db
    .updateTable("quarantined_versions")
    .set({ released_at: sql<Date>`clock_timestamp()` })
    .where("module", "=", module)
    .where("version", "=", version)
    .where("released_at", "is", null)
    .executeTakeFirst();
  return released.numUpdatedRows > 0n;
}
