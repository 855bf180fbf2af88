import type { Version } from "@aibos/domain";
import type { StepKind } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";
import { asTenant } from "./as-tenant.ts";
import { liveNames } from "./live-names.ts";
import { openLiveData } from "./open-live-data.ts";
import { switchRouting, type Switch } from "./switch-routing.ts";

/**
 * Takes a version of the data away again, and those after it, and retires the versions that used them, whom nobody asks
 * any more. What was written through them is in the older versions' columns, as far as those can hold it; the rest is
 * counted, and in the rollback point of the step before. It can't be undone, and so it is the last step that changes
 * anything.
 */
export const rollBackData: StepKind<Switch & { from: Version; to: Version }> = {
  name: "roll-back-data",
  title: ({ from, to }) => `take the data of ${from} back to ${to}, keeping every write`,
  async outside(run) {
    const { from, to } = run.with;
    await asTenant(run, async (session) => {
      const live = openLiveData(run, session);
      const versions = await live.versions();
      const newer = versions[versions.findIndex(({ version }) => version === to) + 1];
      if (newer === undefined) return;
      await live.rollback(newer.version, {
        // Who comes after a process that died finds nothing to count any more.
        report: (discarded) => run.fenced((_tx, noted, note) => note({ ...noted, discarded })),
      });
    });
    return run.fenced(async (_tx, noted) => ({ from, discarded: noted["discarded"] ?? [] }));
  },
  async inside(tx, run, found) {
    await setDataVersion(tx, run, run.with.to);
    const { revision, instanceId } = await switchRouting(tx, run, run.with);
    return { detail: { ...found, revision, instanceId } };
  },
  async hasHappened(run) {
    const names = await liveNames(run);
    return names.length === 0 || names.at(-1) === run.with.to;
  },
  undoInside: () => Promise.reject(new Error("The data went back to the older versions; this can't be undone.")),
};
