import type { Version } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { DataPlace } from "../rollback-points/rollback-points.ts";

/** Records which release's tables the data has. */
export async function setDataVersion(
  { db }: ControlTransaction,
  { tenant, module }: DataPlace,
  version: Version,
): Promise<void> {
  await db
    .updateTable("tenant_modules")
    .set({ data_version: version })
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .execute();
}
