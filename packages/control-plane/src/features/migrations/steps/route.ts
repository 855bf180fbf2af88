import { HoldTimeoutError } from "@aibos/contract";
import { rebaseWrites } from "../../rollback-points/counted-writes.ts";
import {
  publishTenantRoute,
  readRoutingState,
  type RoutingState,
  setInstances,
  setWeights,
} from "../../routing/tenant-routing.ts";
import type { StepKind } from "../migration-step.ts";
import { type Switch, switchRouting } from "./switch-routing.ts";

/** So long an undone switch waits for the requests that it turned back on. */
const TURNED_BACK_MS = 15_000;

/** Switches requests to other versions. */
export const route: StepKind<
  Switch & { /** Ends the hold in the same revision: who waited goes to the new versions. */ release: boolean }
> = {
  name: "route",
  title: ({ weights, release }) => {
    const shares = Object.entries(weights).map(([version, weight]) => `${version} ${weight / 100} %`);
    return `switch requests to ${shares.join(", ")}${release ? " and end the hold" : ""}`;
  },
  async inside(tx, run) {
    const before = await readRoutingState(tx, run);
    if (run.with.release) {
      await rebaseWrites(tx, run);
      await tx.db.deleteFrom("route_holds").where("tenant", "=", run.tenant).where("module", "=", run.module).execute();
    }
    const { revision, instanceId } = await switchRouting(tx, run, run.with);
    return { detail: { revision, before, instanceId } };
  },
  async undoInside(tx, run, recorded) {
    const before = recorded["before"] as RoutingState;
    await setWeights(tx, run, before.weights);
    await setInstances(tx, run, before.instances);
    await publishTenantRoute(tx, run);
  },
  async undoOutside(run) {
    if (run.with.release) return;
    // What the versions that go again are still at ends before they are shut out; a gateway that is late is shut out.
    const revision = await run.fenced(async ({ db }) => {
      const head = await db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
      return head.revision;
    });
    await run.platform.gateways
      .waitUntilApplied({
        tenant: run.tenant,
        module: run.module,
        revision,
        timeoutMs: TURNED_BACK_MS,
        alsoDrained: true,
      })
      .catch((error: unknown) => {
        if (!(error instanceof HoldTimeoutError)) throw error;
      });
  },
};
