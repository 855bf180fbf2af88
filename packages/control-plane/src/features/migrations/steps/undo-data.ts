import type { Version } from "@aibos/domain";
import { fingerprintSchema, undoSqlMigrations } from "@aibos/tenant-data";
import { DataNotReversibleError } from "../data-not-reversible-error.ts";
import type { StepKind } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";

/**
 * Takes a release's changes back with its down files, keeping every write. Down files of well-known projects restore
 * the exact structure in two of three cases, so the result is compared with what was there before.
 */
export const undoData: StepKind<{ from: Version; to: Version; structure: string | null }> = {
  name: "undo-data",
  title: ({ from, to }) => `take the changes of ${from} back to ${to}, keeping every write`,
  async inside(tx, run) {
    const { from, to, structure } = run.with;
    const { modules } = run.platform;
    const kept = await modules.readMigrations(run.module, to);
    const undone = await undoSqlMigrations(tx.client, {
      schema: run.schema,
      role: run.role,
      migrations: await modules.readMigrations(run.module, from),
      downTo: kept.at(-1)?.number ?? 0,
    });
    const fingerprint = await fingerprintSchema(tx.client, run.schema);
    if (structure !== null && fingerprint.structure !== structure) {
      throw new DataNotReversibleError(
        run.module,
        from,
        to,
        "its down files leave other tables behind than were there",
      );
    }
    await setDataVersion(tx, run, to);
    return { detail: { to, files: undone.map((migration) => migration.name) }, checksum: fingerprint.data };
  },
};
