import type { Version } from "@aibos/domain";
import type { StepKind } from "../migration-step.ts";
import { asTenant } from "./as-tenant.ts";
import { liveNames } from "./live-names.ts";
import { openLiveData } from "./open-live-data.ts";
import { switchRouting, type Switch } from "./switch-routing.ts";

/**
 * Takes away what only the versions before this one need of the data, and retires them, whom nobody asks any more. It
 * can't be undone, and so it is the last step that changes anything.
 */
export const contract: StepKind<Switch & { version: Version }> = {
  name: "contract",
  title: ({ version }) => `take away what only the versions before ${version} need`,
  async outside(run) {
    const { version } = run.with;
    await asTenant(run, (session) => openLiveData(run, session).complete(version));
    return { version };
  },
  async inside(tx, run, found) {
    const { revision, instanceId } = await switchRouting(tx, run, run.with);
    return { detail: { ...found, revision, instanceId } };
  },
  async hasHappened(run) {
    const [oldest] = await liveNames(run);
    return oldest === undefined || oldest === run.with.version;
  },
  undoInside: () => Promise.reject(new Error("What the older versions need is gone; this can't be undone.")),
};
