import {
  createSchemaCopy,
  dropSchemaCopy,
  provisionTenantSchema,
  restoreSchemaCopy,
  type TenantSession,
} from "@aibos/tenant-data";
import type { ControlTransaction } from "../../../db/control-database.ts";
import { followRestored } from "../../rollback-points/counted-writes.ts";
import { findRollbackPoint } from "../../rollback-points/rollback-points.ts";
import type { Detail, StepRun } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";
import { asTenant } from "./as-tenant.ts";

/**
 * Changes a tenant's data while its requests are held: what a process was at when it died, its successor can't know. So
 * the step notes, behind the fence, that it begins, and one that finds this note first puts the data of the operation's
 * rollback point back, and works from there:
 *
 *   (nothing) ──▶ begun ──▶ changed ──▶ the step's own transaction
 *                   ▲  │ killed, or the database went away
 *                   └──┘ data put back
 *
 * @param options.again whether the data has to be put back first in any case
 */
export async function changeData<With>(
  run: StepRun<With>,
  work: (session: TenantSession) => Promise<Detail>,
  options: { again?: boolean } = {},
): Promise<Detail> {
  const begun = await run.fenced(async (_tx, noted, note) => {
    await note({ ...noted, begun: true });
    return noted["begun"] === true;
  });
  return asTenant(run, work, {
    prepare: async (tx) => {
      if (begun || options.again === true) await putBack(tx, run);
    },
  });
}

/**
 * Has the data be what it was before the operation changed it. The rollback point stays: it is copied again. An
 * installation has none, and begins with an empty schema.
 */
async function putBack<With>(tx: ControlTransaction, run: StepRun<With>): Promise<void> {
  const { client } = tx;
  const { schema, role } = run;
  const taken = await run.earlier(tx, "rollback-point");
  if (taken === undefined) {
    await dropSchemaCopy(client, schema);
    await provisionTenantSchema(client, { schema, role });
    return;
  }
  const point = await findRollbackPoint(tx.db, String(taken["rollbackPointId"]));
  if (point === undefined || point.state !== "available") {
    throw new Error(`Rollback point ${String(taken["rollbackPointId"])} of this operation is gone.`);
  }
  await restoreSchemaCopy(client, { copy: point.copy, schema });
  await followRestored(tx, run, point.id);
  await createSchemaCopy(client, { from: schema, to: point.copy });
  await setDataVersion(tx, run, point.dataVersion);
}
