import type { FieldChoice, Version } from "@aibos/domain";
import { applyMigrations, assertSameHistory, fingerprintSchema, historyOf, readHistory } from "@aibos/tenant-data";
import type { StepKind } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";
import { changeData } from "./change-data.ts";

/**
 * Brings the data from one release to the next; to the one that it had, after a release that failed half way. The
 * rollback point undoes it.
 */
export const hop: StepKind<{ from: Version | null; to: Version; customFields?: Record<string, FieldChoice> }> = {
  name: "hop",
  title: ({ from, to }) =>
    from === null
      ? `create the tables of ${to}`
      : from === to
        ? `bring the data back to ${to}`
        : `bring the data from ${from} to ${to}`,
  async outside(run) {
    const { from, to, customFields = {} } = run.with;
    const migrations = await run.platform.modules.readMigrations(run.module, to);
    return changeData(
      run,
      async (session) => {
        const applied = await applyMigrations(session, migrations, {
          customFields: new Map(Object.entries(customFields)),
        });
        return { files: applied.migrations.map((migration) => migration.name), notices: applied.notices };
      },
      { again: from === to },
    );
  },
  async inside(tx, run, found) {
    const { to } = run.with;
    const migrations = await run.platform.modules.readMigrations(run.module, to);
    const applied = await readHistory(tx.client, run.schema);
    assertSameHistory(applied, historyOf(migrations));
    if (applied.length !== migrations.length || applied.some(({ finished }) => !finished)) {
      throw new Error(`The data of ${run.tenant} went through ${applied.length} of ${migrations.length} migrations.`);
    }
    await setDataVersion(tx, run, to);
    const fingerprint = await fingerprintSchema(tx.client, run.schema);
    return { detail: { to, ...found, structure: fingerprint.structure }, checksum: fingerprint.data };
  },
};
