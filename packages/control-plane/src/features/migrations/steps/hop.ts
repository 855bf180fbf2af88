import type { Version } from "@aibos/domain";
import { applySqlMigrations, fingerprintSchema } from "@aibos/tenant-data";
import type { StepKind } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";

/** Brings the data from one release to the next, in one transaction. The rollback point undoes it. */
export const hop: StepKind<{ from: Version | null; to: Version }> = {
  name: "hop",
  title: ({ from, to }) => (from === null ? `create the tables of ${to}` : `bring the data from ${from} to ${to}`),
  async inside(tx, run) {
    const { to } = run.with;
    const applied = await applySqlMigrations(tx.client, {
      schema: run.schema,
      role: run.role,
      migrations: await run.platform.modules.readMigrations(run.module, to),
    });
    await setDataVersion(tx, run, to);
    const fingerprint = await fingerprintSchema(tx.client, run.schema);
    return {
      detail: { to, files: applied.map((migration) => migration.name), structure: fingerprint.structure },
      checksum: fingerprint.data,
    };
  },
};
