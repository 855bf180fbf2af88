import { HoldTimeoutError } from "@aibos/contract";
import type { StepKind } from "../migration-step.ts";

const TIMEOUT_MS = 10_000;

/**
 * Waits until every gateway applied the switch. The switch is done whatever comes: a gateway that is late is recorded,
 * not a reason to go back and lose what was written since.
 */
export const confirm: StepKind<{ after: "route" | "contract" | "roll-back-data" }> = {
  name: "confirm",
  title: () => "hear from every gateway",
  async outside(run) {
    const switched = await run.earlier(undefined, run.with.after);
    try {
      const waited = await run.platform.gateways.waitUntilApplied({
        tenant: run.tenant,
        module: run.module,
        revision: Number(switched?.["revision"] ?? 0),
        timeoutMs: TIMEOUT_MS,
        alsoDrained: false,
      });
      return { acknowledged: true, ...waited };
    } catch (error) {
      if (error instanceof HoldTimeoutError) return { acknowledged: false };
      throw error;
    }
  },
};
