import type { Version } from "@aibos/domain";
import { grantTenant, revokeTenant } from "@aibos/tenant-data";
import type { StepKind } from "../migration-step.ts";

/**
 * Requests that were under way get so long to end, in milliseconds: half of what those that wait behind the hold may
 * wait, so that one that never ends costs them time and nothing else.
 */
const TIMEOUT_MS = 15_000;

/**
 * Waits until every gateway has applied the route of the step before and no older request is under way, then takes
 * the right to the data from the versions that must not reach it any more: a gateway that nobody hears of can't
 * let a write through.
 */
export const drain: StepKind<{ after: string; revoke: Version[] }> = {
  name: "drain",
  title: ({ revoke }) =>
    `wait for requests under way${revoke.length === 0 ? "" : `, then shut ${revoke.join(", ")} out of the data`}`,
  async outside(run) {
    const route = await run.earlier(undefined, run.with.after);
    const waited = await run.platform.gateways.waitUntilApplied({
      tenant: run.tenant,
      module: run.module,
      revision: Number(route?.["revision"] ?? 0),
      timeoutMs: TIMEOUT_MS,
      alsoDrained: true,
    });
    return { ...waited };
  },
  async inside({ client }, run, found) {
    for (const version of run.with.revoke) {
      const versionRole = run.platform.deployments.roleOf({ module: run.module, version });
      await revokeTenant(client, { tenantRole: run.role, versionRole });
    }
    return { detail: found };
  },
  async undoInside({ client }, run) {
    for (const version of run.with.revoke) {
      const versionRole = run.platform.deployments.roleOf({ module: run.module, version });
      await grantTenant(client, { tenantRole: run.role, versionRole });
    }
  },
};
