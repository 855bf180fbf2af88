import {
  createSchemaCopy,
  createTenantRole,
  dropTenantSchema,
  endTenantSessions,
  fingerprintSchema,
  giveSchema,
} from "@aibos/tenant-data";
import type { ControlTransaction } from "../../../../db/control-database.ts";
import type { StepKind, StepRun } from "../../migration-step.ts";
import { rehearsalPlace } from "./rehearsal-place.ts";

/**
 * Copies the tenant's data, in one snapshot while users write, to a schema and a role of the rehearsal's own: what runs
 * there reaches nothing of the tenant's. Undone, both are gone.
 */
export const rehearsalCopy: StepKind<{
  /** Of the releases on the way, by version. */ digests: Record<string, string>;
}> = {
  name: "rehearsal-copy",
  title: () => "copy the data to rehearse on",
  isolation: "repeatable read",
  async inside(tx, run) {
    const { schema, role } = rehearsalPlace(run);
    const { tenant, module, migrationId } = run;
    await createTenantRole(tx.client, role);
    const size = await createSchemaCopy(tx.client, { from: run.schema, to: schema, functionsName: "copy" });
    await giveSchema(tx.client, { schema, owner: role });
    await tx.db
      .insertInto("rehearsals")
      .values({ migration_id: migrationId, role_name: role, tenant, module })
      .execute();
    const { tables } = await fingerprintSchema(tx.client, schema);
    return { detail: { ...run.with, rows: size.rows, bytes: size.bytes, tables } };
  },
  undoInside: (tx, run) => dropRehearsal(tx, run),
};

/** Takes the copy away at the end. */
export const rehearsalDrop: StepKind<object> = {
  name: "rehearsal-drop",
  title: () => "take the copy away",
  async inside(tx, run) {
    await dropRehearsal(tx, run);
    return {};
  },
};

/** What somebody else's process is still at on the copy is ended first. */
async function dropRehearsal(tx: ControlTransaction, run: StepRun<unknown>): Promise<void> {
  const place = rehearsalPlace(run);
  await endTenantSessions(run.platform.data.pool, place.role);
  await dropTenantSchema(tx.client, place);
  await tx.db.deleteFrom("rehearsals").where("migration_id", "=", run.migrationId).execute();
}
