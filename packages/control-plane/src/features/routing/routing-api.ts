import { HoldTimeoutError, type RouteHandlers, type Routing, VersionNotLiveError } from "@aibos/contract";
import { type ModuleId, parseTrafficSplit, type TenantId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { readTenantModule, type TenantModuleState } from "../instances/tenant-module-read-model.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { requireIdle, whileIdle } from "../migrations/running-operation.ts";
import { publishTenantRoute, setInstances, setWeights } from "./tenant-routing.ts";

/** So long a change waits to hear from every gateway, in milliseconds. */
const ACKNOWLEDGE_MS = 5_000;
/** The stages of `gradual`, in percent for the new version. */
const STAGES = [1, 5, 10, 25, 50, 100];

/**
 * Shares of traffic. A change is one transaction behind the tenant's fence, so that it happens wholly or not at all;
 * the answer tells whether every gateway has applied it.
 */
export function createRoutingApi({
  database,
  gateways,
}: {
  database: ControlDatabase;
  gateways: GatewayReadModel;
}): Pick<RouteHandlers, "updateVersionRouting" | "updateTrafficSplit"> {
  async function change(
    tenant: TenantId,
    module: ModuleId,
    decide: (state: TenantModuleState) => Record<string, number>,
  ): Promise<Routing> {
    const { revision, percents } = await whileIdle(database, { tenant, module }, async (tx) => {
      await lockTenantModule(tx, { tenant, module });
      await requireIdle(tx.db, { tenant, module });
      const state = await readTenantModule(tx.db, tenant, module);
      const wanted = decide(state);
      requireLive(state, wanted);
      const split = parseTrafficSplit(wanted);
      const weights = Object.fromEntries(state.live.map((instance) => [instance.version, 0]));
      for (const { version, weight } of split) weights[version] = weight;
      await setWeights(tx, state, weights);
      await setInstances(
        tx,
        state,
        Object.fromEntries(
          Object.entries(weights).map(([version, weight]) => [version, weight > 0 ? "active" : "standby"]),
        ),
      );
      return {
        revision: await publishTenantRoute(tx, state),
        percents: Object.fromEntries(Object.entries(weights).map(([version, weight]) => [version, weight / 100])),
      };
    });
    const acknowledged = await gateways
      .waitUntilApplied({ tenant, module, revision, timeoutMs: ACKNOWLEDGE_MS, alsoDrained: false })
      .then(() => true)
      .catch((error: unknown) => {
        if (error instanceof HoldTimeoutError) return false;
        throw error;
      });
    return { tenant, module, traffic: percents, revision, acknowledged };
  }

  return {
    updateTrafficSplit: ({ params: { tenant, module }, body }) => change(tenant, module, () => body),

    updateVersionRouting: ({ params: { tenant, module }, body }) =>
      change(tenant, module, (state) => {
        const { oldVersion, newVersion } = body;
        requireLive(state, { [oldVersion]: 0, [newVersion]: 0 });
        const percentOf = (version: Version): number =>
          (state.live.find((instance) => instance.version === version)?.weight ?? 0) / 100;
        const percents = Object.fromEntries(state.live.map(({ version, weight }) => [version, weight / 100]));
        const both = percentOf(oldVersion) + percentOf(newVersion);
        const share = shareOf(body, percentOf(newVersion), both);
        percents[newVersion] = rounded(share);
        percents[oldVersion] = rounded(both - share);
        return percents;
      }),
  };
}

/** The new version's percent of all traffic, out of what it and the old version have together. */
function shareOf(
  routing: { routing: "gradual" | "immediate" | "percentage"; trafficSplit?: number | undefined },
  present: number,
  both: number,
): number {
  switch (routing.routing) {
    case "immediate":
      return both;
    case "percentage":
      return Math.min(both, routing.trafficSplit ?? both);
    case "gradual":
      return Math.min(both, STAGES.find((stage) => stage > present) ?? both);
  }
}

/** To the hundredth of a percent that a slot is. */
function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}

/** @throws VersionNotLiveError */
function requireLive({ tenant, module, live }: TenantModuleState, wanted: Record<string, number>): void {
  const versions = live.map((instance) => instance.version);
  for (const version of Object.keys(wanted) as Version[]) {
    if (!versions.includes(version)) throw new VersionNotLiveError(tenant, module, version, versions);
  }
}
