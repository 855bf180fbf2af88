import type { ControlTransaction } from "../../../db/control-database.ts";
import { publishTenantRoute, type RoutingState, setInstances, setWeights } from "../../routing/tenant-routing.ts";
import type { StepRun } from "../migration-step.ts";

export interface Switch {
  /** Shares in 1/10,000 by version. */
  weights: Record<string, number>;
  /** All live instances afterwards, by version. */
  instances: RoutingState["instances"];
  /** The version whose instance is the result. */
  result: string;
}

/** Switches which versions serve and how requests are shared, at once for all gateways that apply the revision. */
export async function switchRouting(
  tx: ControlTransaction,
  run: Pick<StepRun<unknown>, "tenant" | "module">,
  { weights, instances, result }: Switch,
): Promise<{ revision: number; instanceId: string | undefined }> {
  await setWeights(tx, run, weights);
  const ids = await setInstances(tx, run, instances);
  return { revision: await publishTenantRoute(tx, run), instanceId: ids[result] };
}
