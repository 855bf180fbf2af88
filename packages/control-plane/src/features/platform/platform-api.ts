import { InvalidRequestError, type RouteHandlers, VersionNotFoundError } from "@aibos/contract";
import { parseModuleId, parseVersion } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { findDeployment, listDeployments } from "../deployments/deployment-read-model.ts";
import { EXECUTOR_SILENCE_SECONDS } from "../executors/executor-silence.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { describeTenantModule, listTenantModules } from "../instances/tenant-module-read-model.ts";
import type { Deployments } from "../deployments/deployments.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";

type PlatformApi = Pick<
  RouteHandlers,
  "getStatus" | "listDeployments" | "registerExternalUrl" | "listTenantModules" | "getTenantModule"
>;

/** What runs, and who uses what. */
export function createPlatformApi(options: {
  database: ControlDatabase;
  gateways: GatewayReadModel;
  modules: ModuleReadModel;
  deployments: Deployments;
  /** The program's version. */
  program: string;
  now: () => number;
}): PlatformApi {
  const { database, gateways, modules, deployments, program, now } = options;
  const { db } = database;

  return {
    async getStatus() {
      const live = new Set((await gateways.liveGateways()).map((gateway) => gateway.id));
      const known = await db.selectFrom("gateways").selectAll().orderBy("seen_at", "desc").limit(100).execute();
      const processes = await db
        .selectFrom("control_plane_processes")
        .selectAll()
        .orderBy("seen_at", "desc")
        .limit(50)
        .execute();
      const tenants = await db
        .selectFrom("tenants")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirst();
      const running = await db
        .selectFrom("migration_records")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("status", "=", "running")
        .executeTakeFirst();
      const head = await db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
      const silentSince = now() - EXECUTOR_SILENCE_SECONDS * 1_000;
      return {
        program,
        tenants: tenants?.count ?? 0,
        running: running?.count ?? 0,
        revision: head.revision,
        gateways: known.map((row) => ({
          id: row.id,
          url: row.url,
          revision: row.applied_revision,
          live: live.has(row.id),
          seenAt: row.seen_at.toISOString(),
        })),
        controlPlanes: processes.map((row) => ({
          id: row.id,
          live: row.state === "live" && row.seen_at.getTime() > silentSince,
          startedAt: row.started_at.toISOString(),
          seenAt: row.seen_at.toISOString(),
        })),
      };
    },

    listDeployments: ({ query: { cursor, limit } }) => listDeployments(db, { after: readAddress(cursor), limit }),

    async registerExternalUrl({ params: { module, version }, body: { url } }) {
      const release = await modules.getVersion(module, version);
      if (release.manifest.runtime.driver !== "external") {
        const message = `${module} ${version} is run by the platform; only versions with "driver: external" take a URL`;
        throw new InvalidRequestError([{ path: "url", message }]);
      }
      await db
        .updateTable("module_versions")
        .set({ external_url: url })
        .where("module", "=", module)
        .where("version", "=", version)
        .execute();
      await deployments.ensure({ module, version });
      const deployment = await findDeployment(db, module, version);
      if (deployment === undefined) throw new VersionNotFoundError(module, version, []);
      return deployment;
    },

    listTenantModules: ({ params: { tenant }, query: { cursor, limit } }) =>
      listTenantModules(db, tenant, { cursor, limit }),

    getTenantModule: ({ params: { tenant, module } }) => describeTenantModule(db, tenant, module),
  };
}

function readAddress(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const [module = "", version = ""] = cursor.split("@");
  return { module: parseModuleId(module), version: parseVersion(version) };
}
