import { setTimeout as sleep } from "node:timers/promises";
import { InvalidRequestError, monitorQuerySchema, type PerformanceReport, type RouteHandlers } from "@aibos/contract";
import { compareVersions, type ModuleId, parseModuleId, parseTenantId, type TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readTenantModule, requireTenant } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { compareMeasured } from "./compare-measured.ts";
import type { PerformanceReadModel } from "./performance-read-model.ts";

export interface MonitorQuery {
  readonly tenant: string;
  readonly module: string;
  readonly window?: number | undefined;
  readonly interval?: number | undefined;
}

/** What was measured, for people and programs. */
export interface PerformanceApi {
  readonly handlers: Pick<RouteHandlers, "getVersionPerformance" | "compareVersions">;
  /**
   * What is measured of the live versions, now and every few seconds.
   *
   * @throws InvalidIdentifierError, InvalidRequestError, ModuleNotInstalledError
   */
  monitor(query: MonitorQuery, signal?: AbortSignal): AsyncGenerator<PerformanceReport>;
}

export function createPerformanceApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  performance: PerformanceReadModel;
  now: () => number;
}): PerformanceApi {
  const { database, modules, performance, now } = options;

  async function report(tenant: TenantId, module: ModuleId, windowSeconds: number): Promise<PerformanceReport> {
    const { live } = await readTenantModule(database.db, tenant, module);
    const versions = live.map(({ version }) => version).sort(compareVersions);
    const measured = await performance.measured({ tenant, module, versions, windowSeconds });
    return {
      at: new Date(now()).toISOString(),
      tenant,
      module,
      versions: measured.map((one) => one.performance),
    };
  }

  return {
    handlers: {
      async getVersionPerformance({ params: { tenant, module, version }, query: { window } }) {
        await requireTenant(database.db, tenant);
        await modules.getVersion(module, version);
        const [measured] = await performance.measured({
          tenant,
          module,
          versions: [version],
          windowSeconds: window,
        });
        if (measured === undefined) throw new RangeError("Nothing was measured of the one version that was asked for.");
        return measured.performance;
      },

      async compareVersions({ params: { module }, query: { a, b, tenant, window } }) {
        if (tenant !== undefined) await requireTenant(database.db, tenant);
        for (const version of [a, b]) await modules.getVersion(module, version);
        const query = { tenant, module, versions: [a, b], windowSeconds: window };
        const [left, right] = await performance.measured(query);
        if (left === undefined || right === undefined) throw new RangeError("Not both versions were measured.");
        return compareMeasured(left, right);
      },
    },

    async *monitor({ window, interval, ...names }, signal) {
      const [tenant, module] = [parseTenantId(names.tenant), parseModuleId(names.module)];
      const query = monitorQuerySchema.safeParse({ window, interval });
      if (!query.success) {
        throw new InvalidRequestError(
          query.error.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message })),
        );
      }
      for (const isOver = (): boolean => signal?.aborted === true; !isOver();) {
        yield await report(tenant, module, query.data.window);
        await sleep(query.data.interval * 1_000, undefined, signal === undefined ? {} : { signal }).catch(
          () => undefined,
        );
      }
    },
  };
}
