import type { RouteHandlers } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import { getTenant, listTenants } from "./tenant-read-model.ts";
import { createTenantStore } from "./tenant-store.ts";

type TenantApi = Pick<RouteHandlers, "createTenant" | "listTenants" | "getTenant" | "labelTenant">;

/** The customers of the platform. */
export function createTenantApi(database: ControlDatabase): TenantApi {
  const store = createTenantStore(database);
  return {
    createTenant: ({ body: { id, title = id, labels } }) => store.create({ id, title, labels }),
    listTenants: async ({ query: { cursor, limit, label } }) =>
      listTenants(database.db, { label }, { after: readCursor(cursor, 1), limit }),
    getTenant: ({ params: { tenant } }) => getTenant(database.db, tenant),
    labelTenant: ({ params: { tenant }, body }) => store.label(tenant, body),
  };
}
