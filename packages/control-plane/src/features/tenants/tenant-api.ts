import type { RouteHandlers } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { hearFromGateways } from "../routing/hear-from-gateways.ts";
import { setTenantState } from "./suspend-tenant.ts";
import { getTenant, listTenants } from "./tenant-read-model.ts";
import { createTenantStore } from "./tenant-store.ts";

type TenantApi = Pick<RouteHandlers, "createTenant" | "listTenants" | "getTenant" | "labelTenant" | "setTenantState">;

/** The customers of the platform. */
export function createTenantApi({
  database,
  gateways,
}: {
  database: ControlDatabase;
  gateways: GatewayReadModel;
}): TenantApi {
  const store = createTenantStore(database);
  return {
    createTenant: ({ body: { id, title = id, labels } }) => store.create({ id, title, labels }),
    listTenants: async ({ query: { cursor, limit, label } }) =>
      listTenants(database.db, { label }, { after: readCursor(cursor, 1), limit }),
    getTenant: ({ params: { tenant } }) => getTenant(database.db, tenant),
    labelTenant: ({ params: { tenant }, body }) => store.label(tenant, body),
    async setTenantState({ params: { tenant: id }, body: { state } }) {
      const { tenant, published } = await setTenantState(database, id, state);
      const acknowledged = published === undefined || (await hearFromGateways(gateways, { tenant: id, ...published }));
      return { ...tenant, acknowledged };
    },
  };
}
