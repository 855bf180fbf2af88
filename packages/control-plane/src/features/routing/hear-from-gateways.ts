import { HoldTimeoutError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";

/** So long a change waits to hear from every gateway, in milliseconds. */
const ACKNOWLEDGE_MS = 5_000;

/** Waits a moment for every live gateway to apply a revision; tells whether all did. */
export function hearFromGateways(
  gateways: GatewayReadModel,
  change: { tenant: TenantId; module: ModuleId; revision: number },
): Promise<boolean> {
  return gateways.waitUntilApplied({ ...change, timeoutMs: ACKNOWLEDGE_MS, alsoDrained: false }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof HoldTimeoutError) return false;
      throw error;
    },
  );
}
