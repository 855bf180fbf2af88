import type { RouteHandlers } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import type { Retention } from "./retention.ts";
import { readRetention, writeRetention } from "./retention-policy.ts";

type RetentionApi = Pick<
  RouteHandlers,
  | "getRetentionPolicy"
  | "setRetentionPolicy"
  | "getModuleRetentionPolicy"
  | "setModuleRetentionPolicy"
  | "applyRetention"
>;

/** How many copies of tenants' data are kept, and dropping the others. */
export function createRetentionApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  retention: Retention;
}): RetentionApi {
  const { database, modules, retention } = options;
  return {
    async getRetentionPolicy({ params: { tenant, module } }) {
      await readTenantModule(database.db, tenant, module);
      return readRetention(database.db, module, tenant);
    },
    async setRetentionPolicy({ params: { tenant, module }, body: { policy } }) {
      await readTenantModule(database.db, tenant, module);
      await writeRetention(database.db, { module, tenant }, policy);
      return readRetention(database.db, module, tenant);
    },
    async getModuleRetentionPolicy({ params: { module } }) {
      await modules.listReleases(module);
      return readRetention(database.db, module, undefined);
    },
    async setModuleRetentionPolicy({ params: { module }, body: { policy } }) {
      await modules.listReleases(module);
      await writeRetention(database.db, { module, tenant: undefined }, policy);
      return readRetention(database.db, module, undefined);
    },
    async applyRetention({ params: { tenant, module }, body: { dryRun } }) {
      await readTenantModule(database.db, tenant, module);
      return retention.apply({ tenant, module }, { dryRun });
    },
  };
}
