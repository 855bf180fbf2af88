import type { Version } from "@aibos/domain";
import { assertSameHistory, historyOf, readHistory } from "@aibos/tenant-data";
import type { StepKind } from "../migration-step.ts";

/** Compares the migrations that the data went through with those of the versions to come, before anything is held. */
export const validate: StepKind<{ versions: Version[] }> = {
  name: "validate",
  title: ({ versions }) => `check the data's history against ${versions.join(", ")}`,
  async inside({ client }, { module, schema, with: { versions }, platform }) {
    const applied = await readHistory(client, schema);
    for (const version of versions) {
      assertSameHistory(applied, historyOf(await platform.modules.readMigrations(module, version)));
    }
    return { detail: { applied: applied.length } };
  },
};
