import type { Version } from "@aibos/domain";
import { fingerprintSchema, undoSqlMigrations } from "@aibos/tenant-data";
import { DataNotReversibleError } from "../data-not-reversible-error.ts";
import type { StepKind } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";
import { changeData } from "./change-data.ts";

/**
 * Takes a release's changes back with its down files, keeping every write. Down files of well-known projects restore
 * the exact structure in two of three cases, so the result is compared with what was there before.
 */
export const undoData: StepKind<{ from: Version; to: Version; structure: string | null }> = {
  name: "undo-data",
  title: ({ from, to }) => `take the changes of ${from} back to ${to}, keeping every write`,
  async outside(run) {
    const { from, to } = run.with;
    const { modules } = run.platform;
    const kept = await modules.readMigrations(run.module, to);
    const migrations = await modules.readMigrations(run.module, from);
    return changeData(run, async (session) => {
      const undone = await undoSqlMigrations(session, migrations, kept.at(-1)?.number ?? 0);
      return { files: undone.migrations.map((migration) => migration.name), notices: undone.notices };
    });
  },
  async inside(tx, run, found) {
    const { from, to, structure } = run.with;
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
    return { detail: { to, ...found }, checksum: fingerprint.data };
  },
};
