import { sql } from "kysely";
import type { ControlTransaction } from "../../db/control-database.ts";

/** Wakes those who watch a fleet upgrade, when the transaction is committed. */
export async function notifyFleet({ db }: Pick<ControlTransaction, "db">, fleetUpgradeId: string): Promise<void> {
  await sql`select pg_notify('aibos_fleets', ${fleetUpgradeId})`.execute(db);
}
