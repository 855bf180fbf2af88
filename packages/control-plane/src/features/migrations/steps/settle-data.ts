import type { Version } from "@aibos/domain";
import type { StepKind } from "../migration-step.ts";
import { asTenant } from "./as-tenant.ts";
import { openLiveData } from "./open-live-data.ts";

/**
 * Leaves one version of data that was just put in place and held several: a rollback point can be of a moment when they
 * were live. Undoing puts other data in its place.
 */
export const settleData: StepKind<{ version: Version }> = {
  name: "settle-data",
  title: ({ version }) => `leave the data of ${version} alone`,
  async outside(run) {
    const { version } = run.with;
    return asTenant(run, async (session) => {
      const live = openLiveData(run, session);
      const versions = await live.versions();
      const at = versions.findIndex((one) => one.version === version);
      const newer = at === -1 ? undefined : versions[at + 1];
      if (newer !== undefined) await live.rollback(newer.version);
      if (at > 0) await live.complete(version);
      return { settled: versions.map((one) => one.version) };
    });
  },
};
