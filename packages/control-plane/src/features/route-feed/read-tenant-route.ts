import { type Kysely, sql } from "kysely";
import type { TenantRoute } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import { viewSchemaName } from "@aibos/tenant-data";
import type { ControlTables } from "../../db/control-tables.ts";

type RouteVersion = TenantRoute["versions"][number];

/** One route as gateways shall know it; null while no version serves the tenant. */
export async function readTenantRoute(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<TenantRoute | null> {
  const row = await routes(db).where("m.tenant", "=", tenant).where("m.module", "=", module).executeTakeFirst();
  return row === undefined ? null : describe(row);
}

/** All routes. Read them in the transaction that reads the head's revision. */
export async function readTenantRoutes(db: Kysely<ControlTables>): Promise<TenantRoute[]> {
  return (await routes(db).execute()).map(describe);
}

function describe({
  versions,
  ...route
}: Awaited<ReturnType<ReturnType<typeof routes>["execute"]>>[number]): TenantRoute {
  return {
    ...route,
    versions: versions.map((version) => ({ ...version, views: viewSchemaName(version.schema, version.dataVersion) })),
  };
}

function routes(db: Kysely<ControlTables>) {
  return db
    .selectFrom("tenant_modules as m")
    .innerJoin("tenants as t", "t.id", "m.tenant")
    .innerJoin("version_routing as r", (join) =>
      join.onRef("r.tenant", "=", "m.tenant").onRef("r.module", "=", "m.module"),
    )
    .innerJoin("module_versions as v", (join) =>
      join.onRef("v.module", "=", "r.module").onRef("v.version", "=", "r.version"),
    )
    .leftJoin("route_policies as p", (join) =>
      join.onRef("p.tenant", "=", "m.tenant").onRef("p.module", "=", "m.module"),
    )
    .leftJoin("tenant_module_instances as i", (join) =>
      join
        .onRef("i.tenant", "=", "r.tenant")
        .onRef("i.module", "=", "r.module")
        .onRef("i.version", "=", "r.version")
        .on("i.status", "<>", "retired"),
    )
    .leftJoin("route_holds as h", (join) => join.onRef("h.tenant", "=", "m.tenant").onRef("h.module", "=", "m.module"))
    .select([
      "m.tenant",
      "m.module",
      "t.state",
      "m.role_name as role",
      // Newest first, as weights are laid over the slots.
      sql<Omit<RouteVersion, "views">[]>`jsonb_agg(
        jsonb_build_object('version', r.version, 'weight', r.weight, 'schema', m.schema_name,
          'dataVersion', coalesce(i.data_version, r.version))
        order by v.sort_key desc)`.as("versions"),
      sql<TenantRoute["hold"]>`case when h.migration_id is null then null else jsonb_build_object(
        'migrationId', h.migration_id, 'reason', h.reason,
        'maxWaitMs', h.max_wait_ms, 'retryAfterSeconds', h.retry_after_seconds) end`.as("hold"),
      // Null unless it says something.
      sql<TenantRoute["policy"]>`case
        when jsonb_array_length(p.rules) > 0 or p.mirror is not null or p.leaving is not null then jsonb_build_object(
          'rules', p.rules, 'segments', p.segments, 'mirror', p.mirror, 'leaving', p.leaving) end`.as("policy"),
    ])
    .groupBy(["m.tenant", "m.module", "t.id", "h.tenant", "h.module", "p.tenant", "p.module"]);
}
