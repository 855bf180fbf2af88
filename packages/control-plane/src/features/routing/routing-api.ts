import { type Rollout, RolloutActiveError, type RouteHandlers, type Routing } from "@aibos/contract";
import { type ModuleId, parseTrafficSplit, type TenantId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { readTenantModule, type TenantModuleState, trafficOf } from "../instances/tenant-module-read-model.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { requireIdle, whileIdle } from "../migrations/running-operation.ts";
import { activeRollout } from "../rollouts/rollout-read-model.ts";
import { hearFromGateways } from "./hear-from-gateways.ts";
import { requireLive } from "./route-policy-api.ts";
import { leavingOf, setLeaving, type Stickiness } from "./leaving-users.ts";
import { publishTenantRoute, setInstances, setWeights } from "./tenant-routing.ts";

/** A tenant whose users shall go from one version to another by and by. */
export interface GradualRequest {
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly oldVersion: Version;
  readonly newVersion: Version;
}

/**
 * Shares of traffic. A change is one transaction behind the tenant's fence, so that it happens wholly or not at all;
 * the answer tells whether every gateway has applied it.
 */
export function createRoutingApi({
  database,
  gateways,
  rollouts,
  now,
}: {
  database: ControlDatabase;
  gateways: GatewayReadModel;
  /** Starts a rollout, or lets the one that runs take its next step. */
  rollouts: { advance: (request: GradualRequest) => Promise<Rollout> };
  now: () => number;
}): Pick<RouteHandlers, "updateVersionRouting" | "updateTrafficSplit"> {
  async function change(
    tenant: TenantId,
    module: ModuleId,
    stickiness: Stickiness,
    decide: (state: TenantModuleState) => Record<string, number>,
  ): Promise<Routing> {
    const { revision, percents } = await whileIdle(database, { tenant, module }, async (tx) => {
      await lockTenantModule(tx, { tenant, module });
      await requireIdle(tx.db, { tenant, module });
      const rolloutId = await activeRollout(tx.db, tenant, module);
      if (rolloutId !== undefined) throw new RolloutActiveError(tenant, module, rolloutId);
      const state = await readTenantModule(tx.db, tenant, module);
      const wanted = decide(state);
      for (const version of Object.keys(wanted) as Version[]) requireLive(state, version);
      const split = parseTrafficSplit(wanted);
      const weights = Object.fromEntries(state.live.map((instance) => [instance.version, 0]));
      for (const { version, weight } of split) weights[version] = weight;
      await setWeights(tx, state, weights);
      await setLeaving(tx, state, leavingOf(state, stickiness, now()));
      await setInstances(
        tx,
        state,
        Object.fromEntries(
          state.live.map(({ version, dataVersion }) => [
            version,
            { status: (weights[version] ?? 0) > 0 ? "active" : "standby", dataVersion },
          ]),
        ),
      );
      return {
        revision: await publishTenantRoute(tx, state),
        percents: Object.fromEntries(Object.entries(weights).map(([version, weight]) => [version, weight / 100])),
      };
    });
    const acknowledged = await hearFromGateways(gateways, { tenant, module, revision });
    return { tenant, module, traffic: percents, revision, acknowledged, rolloutId: null };
  }

  /** The answer has the shares as they are now: the rollout may have begun, or wait at its first gate. */
  async function gradual(request: GradualRequest): Promise<Routing> {
    const { tenant, module } = request;
    const rollout = await rollouts.advance(request);
    const state = await readTenantModule(database.db, tenant, module);
    const { revision } = await database.db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
    const acknowledged = await hearFromGateways(gateways, { tenant, module, revision });
    return { tenant, module, traffic: trafficOf(state), revision, acknowledged, rolloutId: rollout.id };
  }

  return {
    updateTrafficSplit: ({ params: { tenant, module }, query, body }) => change(tenant, module, query, () => body),

    async updateVersionRouting({ params: { tenant, module }, query, body }) {
      const { oldVersion, newVersion } = body;
      if (body.routing === "gradual") return gradual({ tenant, module, oldVersion, newVersion });
      return change(tenant, module, query, (state) => {
        for (const version of [oldVersion, newVersion]) requireLive(state, version);
        const percentOf = (version: Version): number =>
          (state.live.find((instance) => instance.version === version)?.weight ?? 0) / 100;
        const percents = Object.fromEntries(state.live.map(({ version, weight }) => [version, weight / 100]));
        const both = percentOf(oldVersion) + percentOf(newVersion);
        const share = shareOf(body, both);
        percents[newVersion] = rounded(share);
        percents[oldVersion] = rounded(both - share);
        return percents;
      });
    },
  };
}

/** The new version's percent of all traffic, out of what it and the old version have together. */
function shareOf(
  routing: { routing: "gradual" | "immediate" | "percentage"; trafficSplit?: number | undefined },
  both: number,
): number {
  return routing.routing === "percentage" ? Math.min(both, routing.trafficSplit ?? both) : both;
}

/** To the hundredth of a percent that a slot is. */
function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}
