import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { InstanceStatus } from "../../db/control-tables.ts";
import { publishRouteChanges } from "../route-feed/publish-route-changes.ts";
import { readTenantRoute } from "../route-feed/read-tenant-route.ts";

/** Which versions serve a tenant's module and how its requests are shared; what is kept to put it back. */
export interface RoutingState {
  /** Shares in 1/10,000 by version. */
  readonly weights: Readonly<Record<string, number>>;
  /** By version, of instances that are not retired. */
  readonly instances: Readonly<Record<string, InstanceState>>;
}

export interface InstanceState {
  readonly status: InstanceStatus;
  /** The version of the data that it reads and writes. */
  readonly dataVersion: Version;
}

interface Subject {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

/** Tells the gateways the route as it now is in this transaction. Returns its revision. */
export async function publishTenantRoute(tx: ControlTransaction, { tenant, module }: Subject): Promise<number> {
  return publishRouteChanges(tx, async () => [
    { kind: "route", tenant, module, route: await readTenantRoute(tx.db, tenant, module) },
  ]);
}

export async function readRoutingState({ db }: ControlTransaction, { tenant, module }: Subject): Promise<RoutingState> {
  const weights = await db
    .selectFrom("version_routing")
    .select(["version", "weight"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .execute();
  const instances = await db
    .selectFrom("tenant_module_instances")
    .select(["version", "status", "data_version as dataVersion"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("status", "<>", "retired")
    .execute();
  return {
    weights: Object.fromEntries(weights.map((row) => [row.version, row.weight])),
    instances: Object.fromEntries(instances.map(({ version, ...state }) => [version, state])),
  };
}

/** Replaces the shares of all versions. */
export async function setWeights(
  { db }: ControlTransaction,
  { tenant, module }: Subject,
  weights: Readonly<Record<string, number>>,
): Promise<void> {
  await db.deleteFrom("version_routing").where("tenant", "=", tenant).where("module", "=", module).execute();
  const rows = Object.entries(weights).map(([version, weight]) => ({
    tenant,
    module,
    version: version as Version,
    weight,
  }));
  if (rows.length > 0) await db.insertInto("version_routing").values(rows).execute();
}

/** Makes the live instances exactly these; others are retired. Returns each version's instance. */
export async function setInstances(
  { db }: ControlTransaction,
  { tenant, module }: Subject,
  instances: RoutingState["instances"],
): Promise<Record<string, string>> {
  await db
    .updateTable("tenant_module_instances")
    .set({ status: "retired", retired_at: sql<Date>`clock_timestamp()` })
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("status", "<>", "retired")
    .$if(Object.keys(instances).length > 0, (query) =>
      query.where("version", "not in", Object.keys(instances) as Version[]),
    )
    .execute();
  const ids: [string, string][] = [];
  for (const [version, { status, dataVersion }] of Object.entries(instances)) {
    const row = await db
      .insertInto("tenant_module_instances")
      .values({
        id: `ins_${randomBytes(6).toString("hex")}`,
        tenant,
        module,
        version: version as Version,
        status,
        data_version: dataVersion,
      })
      .onConflict((conflict) =>
        conflict
          .columns(["tenant", "module", "version"])
          .where("status", "<>", "retired")
          .doUpdateSet({ status, data_version: dataVersion }),
      )
      .returning("id")
      .executeTakeFirstOrThrow();
    ids.push([version, row.id]);
  }
  return Object.fromEntries(ids);
}
