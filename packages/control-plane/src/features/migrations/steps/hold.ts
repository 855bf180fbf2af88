import { publishTenantRoute } from "../../routing/tenant-routing.ts";
import type { StepKind } from "../migration-step.ts";

/** For how long a request waits at the gateway before it gets a 503, in milliseconds. */
export const MAX_WAIT_MS = 30_000;
const RETRY_AFTER_SECONDS = 5;

/** Has the gateways keep the tenant's requests waiting while the data is changed. */
export const hold: StepKind<{ reason: string }> = {
  name: "hold",
  title: () => "hold requests at the gateways",
  async inside(tx, run) {
    const facts = {
      migration_id: run.migrationId,
      reason: run.with.reason,
      max_wait_ms: MAX_WAIT_MS,
      retry_after_seconds: RETRY_AFTER_SECONDS,
    };
    await tx.db
      .insertInto("route_holds")
      .values({ tenant: run.tenant, module: run.module, ...facts })
      .onConflict((conflict) => conflict.columns(["tenant", "module"]).doUpdateSet(facts))
      .execute();
    return { detail: { revision: await publishTenantRoute(tx, run) } };
  },
  async undoInside(tx, run) {
    await tx.db.deleteFrom("route_holds").where("tenant", "=", run.tenant).where("module", "=", run.module).execute();
    await publishTenantRoute(tx, run);
  },
};
