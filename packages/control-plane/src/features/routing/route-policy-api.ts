import {
  type FeedPolicy,
  type RouteHandlers,
  type RoutePolicy,
  signTesterToken,
  TESTER_TOKEN_COOKIE,
  TESTER_TOKEN_HEADER,
  VersionNotLiveError,
} from "@aibos/contract";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { readTenantModule, type TenantModuleState } from "../instances/tenant-module-read-model.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { hearFromGateways } from "./hear-from-gateways.ts";
import { describeRoutePolicy, readMirrorReport, readRoutePolicy, writeRoutePolicy } from "./route-policy-store.ts";
import { publishTenantRoute } from "./tenant-routing.ts";

type RoutePolicyApi = Pick<
  RouteHandlers,
  "getRoutePolicy" | "setRules" | "setMirror" | "getMirrorReport" | "createTesterToken"
>;

/**
 * What decides about a tenant's requests besides weights. A policy may be changed while an operation runs: it names
 * versions, and gateways pass over one that does not serve.
 */
export function createRoutePolicyApi({
  database,
  gateways,
  testerKey,
  now,
}: {
  database: ControlDatabase;
  gateways: GatewayReadModel;
  testerKey: string;
  now: () => number;
}): RoutePolicyApi {
  async function change(
    subject: { tenant: TenantId; module: ModuleId },
    parts: Partial<FeedPolicy>,
    versions: readonly Version[],
  ): Promise<RoutePolicy> {
    const { tenant, module } = subject;
    const { revision, policy } = await database.transaction(async (tx) => {
      await lockTenantModule(tx, subject);
      const state = await readTenantModule(tx.db, tenant, module);
      for (const version of versions) requireLive(state, version);
      await writeRoutePolicy(tx, subject, parts);
      return { policy: await readRoutePolicy(tx.db, subject), revision: await publishTenantRoute(tx, subject) };
    });
    const acknowledged = await hearFromGateways(gateways, { ...subject, revision });
    return { ...describeRoutePolicy(subject, policy), revision, acknowledged };
  }

  return {
    async getRoutePolicy({ params }) {
      await readTenantModule(database.db, params.tenant, params.module);
      const policy = await readRoutePolicy(database.db, params);
      const { revision } = await database.db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
      const live = await gateways.liveGateways();
      const acknowledged = live.every((gateway) => gateway.revision >= revision);
      return { ...describeRoutePolicy(params, policy), revision, acknowledged };
    },

    setRules: ({ params, body: { rules, segments } }) =>
      change(
        params,
        { rules, segments },
        rules.map(({ version }) => version),
      ),

    setMirror: ({ params, body: { mirror } }) =>
      mirror === null
        ? change(params, { mirror: null }, [])
        : change(
            params,
            {
              mirror: { version: mirror.version, weight: Math.max(1, Math.round(mirror.percent * 100)), since: now() },
            },
            [mirror.version],
          ),

    async getMirrorReport({ params }) {
      await readTenantModule(database.db, params.tenant, params.module);
      return readMirrorReport(database.db, params);
    },

    async createTesterToken({ params: { tenant, module }, body: { version, validSeconds } }) {
      requireLive(await readTenantModule(database.db, tenant, module), version);
      const expires = Math.floor(now() / 1_000) + validSeconds;
      return {
        tenant,
        module,
        version,
        token: signTesterToken({ tenant, module, version, expires }, testerKey),
        header: TESTER_TOKEN_HEADER,
        cookie: TESTER_TOKEN_COOKIE,
        expiresAt: new Date(expires * 1_000).toISOString(),
      };
    },
  };
}

/** @throws VersionNotLiveError */
export function requireLive({ tenant, module, live }: TenantModuleState, version: Version): void {
  const versions = live.map((instance) => instance.version);
  if (!versions.includes(version)) throw new VersionNotLiveError(tenant, module, version, versions);
}
