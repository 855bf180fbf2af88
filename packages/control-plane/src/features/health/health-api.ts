import type { HealthReport, RouteHandlers } from "@aibos/contract";
import { assertSameHistory, historyOf, readHistory } from "@aibos/tenant-data";
import type { ControlDatabase } from "../../db/control-database.ts";
import { findDeployment } from "../deployments/deployment-read-model.ts";
import { describeEjected, readEjectedProcesses } from "../gateways/ejected-upstreams.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import type { TenantProbe } from "./tenant-probe.ts";

type Check = HealthReport["checks"][number];

/** Whether a tenant's use of a module works, looked at from end to end. */
export function createHealthApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  gateways: GatewayReadModel;
  probe: TenantProbe;
}): Pick<RouteHandlers, "performHealthCheck"> {
  const { database, modules, gateways, probe } = options;

  return {
    async performHealthCheck({ params: { tenant, module } }) {
      const state = await readTenantModule(database.db, tenant, module);
      const checks: Check[] = [
        await check("data", async () => {
          if (state.dataVersion === null) throw new Error("No tables were created yet.");
          const applied = await database.transaction(({ client }) => readHistory(client, state.schema));
          assertSameHistory(applied, historyOf(await modules.readMigrations(module, state.dataVersion)));
          return `the tables are those of ${state.dataVersion} (${applied.length} migrations)`;
        }),
        await check("routing", async () => {
          const sum = state.live.reduce((total, instance) => total + instance.weight, 0);
          if (sum !== 10_000) throw new Error(`The shares of traffic add up to ${sum / 100} %.`);
          const live = await gateways.liveGateways();
          if (live.length === 0) throw new Error("No gateway has reported in the last seconds.");
          return `${live.length} gateway${live.length === 1 ? "" : "s"}`;
        }),
      ];
      for (const { version, dataVersion, weight } of state.live) {
        checks.push(
          await check(`version ${version}`, async () => {
            const deployment = await findDeployment(database.db, module, version);
            if (deployment?.state !== "healthy" || deployment.url === null) {
              throw new Error(`It is ${deployment?.state ?? "not deployed"}. ${deployment?.lastError ?? ""}`.trim());
            }
            const { path, ms } = await probe.check(state, { version, dataVersion }, deployment.url);
            return `${weight / 100} % of traffic; ${path} answered in ${ms} ms`;
          }),
        );
      }
      const versions = state.live.map(({ version }) => version);
      for (const process of await readEjectedProcesses(database.db, module, versions)) {
        checks.push({
          name: `version ${process.version} at the gateways`,
          ok: false,
          detail: describeEjected(process),
        });
      }
      const issues = checks.filter((item) => !item.ok).map((item) => `${item.name}: ${item.detail}`);
      const serving = state.live.filter((instance) => instance.weight > 0).map(({ version }) => `version ${version}`);
      const broken = checks.some((item) => !item.ok && (item.name === "data" || serving.includes(item.name)));
      return { status: broken ? "unhealthy" : issues.length > 0 ? "degraded" : "healthy", checks, issues };
    },
  };
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
