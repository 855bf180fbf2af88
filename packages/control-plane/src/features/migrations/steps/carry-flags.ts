import type { FlagFeedChange } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import { carryFlags as carry, giveFlagsBack } from "../../feature-flags/carry-flags.ts";
import type { StepKind } from "../migration-step.ts";

/**
 * Gives the tenant's own values of flags to the version that it moves to, as that declares them. Those of the version
 * that it leaves stay, for when it comes back. A value that can't come along stops nobody: it is reported.
 */
export const carryFlags: StepKind<{ from: Version; to: Version; between?: readonly Version[] }> = {
  name: "carry-flags",
  title: ({ from, to }) => `give ${to} the values of flags that the tenant set for ${from}`,
  async inside(tx, run) {
    const { tenant, module, with: way } = run;
    return { detail: { ...(await carry(tx, { tenant, module, ...way })) } };
  },
  async undoInside(tx, run, recorded) {
    const { from, to } = run.with;
    const before = recorded["before"] as FlagFeedChange[];
    await giveFlagsBack(tx, { tenant: run.tenant, module: run.module, from, to }, before);
  },
};
