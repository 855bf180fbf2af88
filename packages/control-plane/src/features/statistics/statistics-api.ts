import type { RouteHandlers } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { readMigrationStatistics } from "./migration-statistics.ts";
import { readVersionUsage } from "./version-usage.ts";

const DAY_MS = 86_400_000;

/** Counts of what came of operations, and of who uses what. */
export function createStatisticsApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  now: () => number;
}): Pick<RouteHandlers, "getMigrationStatistics" | "getVersionUsageStats"> {
  const { database, modules, now } = options;
  return {
    async getMigrationStatistics({ params: { module }, query: { days } }) {
      // Refuses a module that there is not.
      await modules.listReleases(module);
      const since = days === undefined ? undefined : new Date(now() - (days - 1) * DAY_MS).toISOString().slice(0, 10);
      return readMigrationStatistics(database.db, { module, since });
    },
    async getVersionUsageStats({ params: { module }, query: { days } }) {
      await modules.listReleases(module);
      return readVersionUsage(database.db, module, { days, now: now() });
    },
  };
}
