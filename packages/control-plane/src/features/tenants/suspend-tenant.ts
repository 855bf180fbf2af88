import { type Tenant, TenantNotFoundError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { StoredRouteChange } from "../../db/control-tables.ts";
import { publishRouteChanges } from "../route-feed/publish-route-changes.ts";
import { readTenantRoute } from "../route-feed/read-tenant-route.ts";
import { describeTenant } from "./tenant-read-model.ts";

/**
 * Suspends a tenant or takes it back: one revision changes the routes of all its modules.
 *
 * @returns the last module's change; undefined for a tenant that uses none
 * @throws TenantNotFoundError
 */
export function setTenantState(
  database: ControlDatabase,
  tenant: TenantId,
  state: Tenant["state"],
): Promise<{ tenant: Tenant; published: { module: ModuleId; revision: number } | undefined }> {
  return database.transaction(async (tx) => {
    const row = await tx.db
      .updateTable("tenants")
      .set({ state })
      .where("id", "=", tenant)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new TenantNotFoundError(tenant);
    const modules = await tx.db
      .selectFrom("tenant_modules")
      .select("module")
      .where("tenant", "=", tenant)
      .orderBy("module")
      .execute();
    const [first] = modules;
    if (first === undefined) return { tenant: describeTenant(row), published: undefined };
    const revision = await publishRouteChanges(tx, async () => {
      const changes: StoredRouteChange[] = [];
      for (const { module } of modules) {
        changes.push({ kind: "route", tenant, module, route: await readTenantRoute(tx.db, tenant, module) });
      }
      return changes;
    });
    return { tenant: describeTenant(row), published: { module: first.module, revision } };
  });
}
