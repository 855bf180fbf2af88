import type { InstanceStatus } from "../../../db/control-tables.ts";
import { rebaseWrites } from "../../rollback-points/rollback-points.ts";
import {
  publishTenantRoute,
  readRoutingState,
  type RoutingState,
  setInstances,
  setWeights,
} from "../../routing/tenant-routing.ts";
import type { StepKind } from "../migration-step.ts";

interface Switch {
  /** Shares in 1/10,000 by version. */
  weights: Record<string, number>;
  /** All live instances afterwards, by version. */
  instances: Record<string, InstanceStatus>;
  /** The version whose instance is the result. */
  result: string;
  /** Ends the hold in the same revision: requests that waited go to the new versions. */
  release: boolean;
}

/** Switches which versions serve and how requests are shared, at once for all gateways that apply the revision. */
export const route: StepKind<Switch> = {
  name: "route",
  title: ({ weights, release }) => {
    const shares = Object.entries(weights).map(([version, weight]) => `${version} ${weight / 100} %`);
    return `switch requests to ${shares.join(", ")}${release ? " and end the hold" : ""}`;
  },
  async inside(tx, run) {
    const before = await readRoutingState(tx, run);
    await setWeights(tx, run, run.with.weights);
    const ids = await setInstances(tx, run, run.with.instances);
    if (run.with.release) {
      await rebaseWrites(tx, run);
      await tx.db.deleteFrom("route_holds").where("tenant", "=", run.tenant).where("module", "=", run.module).execute();
    }
    const revision = await publishTenantRoute(tx, run);
    return { detail: { revision, before, instanceId: ids[run.with.result] } };
  },
  async undoInside(tx, run, recorded) {
    const before = recorded["before"] as RoutingState;
    await setWeights(tx, run, before.weights);
    await setInstances(tx, run, before.instances);
    await publishTenantRoute(tx, run);
  },
};
