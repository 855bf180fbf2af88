import { type Kysely, sql } from "kysely";
import { ModuleNotInstalledError, type Page, type TenantModule, TenantNotFoundError } from "@aibos/contract";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlTables, InstanceStatus } from "../../db/control-tables.ts";

/** One tenant's use of a module, as operations see it. */
export interface TenantModuleState {
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly schema: string;
  readonly role: string;
  /** The newest version of the data that is live; null until there are tables. */
  readonly dataVersion: Version | null;
  readonly epoch: number;
  readonly migrationId: string | null;
  /** Instances that are not retired, with their weights. */
  readonly live: readonly LiveInstance[];
}

export interface LiveInstance {
  readonly id: string;
  readonly version: Version;
  readonly status: InstanceStatus;
  /** The version of the data that it reads and writes. */
  readonly dataVersion: Version;
  /** Share of users in 1/10,000. */
  readonly weight: number;
}

/** Reads the state; undefined when the tenant does not use the module. @throws TenantNotFoundError */
export async function findTenantModule(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<TenantModuleState | undefined> {
  const row = await db
    .selectFrom("tenant_modules")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirst();
  if (row === undefined) {
    await requireTenant(db, tenant);
    return undefined;
  }
  return {
    tenant,
    module,
    schema: row.schema_name,
    role: row.role_name,
    dataVersion: row.data_version,
    epoch: row.epoch,
    migrationId: row.migration_id,
    live: await liveInstances(db, tenant, module),
  };
}

/** @throws TenantNotFoundError, ModuleNotInstalledError */
export async function readTenantModule(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<TenantModuleState> {
  const state = await findTenantModule(db, tenant, module);
  if (state === undefined) throw new ModuleNotInstalledError(tenant, module);
  return state;
}

/** @throws TenantNotFoundError */
export async function requireTenant(db: Kysely<ControlTables>, tenant: TenantId): Promise<void> {
  const row = await db.selectFrom("tenants").select("id").where("id", "=", tenant).executeTakeFirst();
  if (row === undefined) throw new TenantNotFoundError(tenant);
}

async function liveInstances(db: Kysely<ControlTables>, tenant: TenantId, module: ModuleId): Promise<LiveInstance[]> {
  return db
    .selectFrom("tenant_module_instances as i")
    .leftJoin("version_routing as r", (join) =>
      join.onRef("r.tenant", "=", "i.tenant").onRef("r.module", "=", "i.module").onRef("r.version", "=", "i.version"),
    )
    .innerJoin("module_versions as v", (join) =>
      join.onRef("v.module", "=", "i.module").onRef("v.version", "=", "i.version"),
    )
    .select([
      "i.id",
      "i.version",
      "i.status",
      "i.data_version as dataVersion",
      sql<number>`coalesce(r.weight, 0)`.as("weight"),
    ])
    .where("i.tenant", "=", tenant)
    .where("i.module", "=", module)
    .where("i.status", "<>", "retired")
    .orderBy("v.sort_key", "desc")
    .execute();
}

/** The same for the API. */
export async function describeTenantModule(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<TenantModule> {
  const state = await readTenantModule(db, tenant, module);
  const instances = await db
    .selectFrom("tenant_module_instances")
    .select(["id", "created_at"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("status", "<>", "retired")
    .execute();
  const createdAt = new Map(instances.map((row) => [row.id, row.created_at.toISOString()]));
  const operation =
    state.migrationId === null
      ? undefined
      : await db
          .selectFrom("migration_records")
          .select(["id", "kind"])
          .where("id", "=", state.migrationId)
          .executeTakeFirst();
  const step =
    operation === undefined
      ? undefined
      : await db
          .selectFrom("migration_steps")
          .select("name")
          .where("migration_id", "=", operation.id)
          .orderBy("position", "desc")
          .limit(1)
          .executeTakeFirst();
  return {
    tenant,
    module,
    schema: state.schema,
    dataVersion: state.dataVersion ?? "",
    instances: state.live.map(({ id, version, status, weight }) => ({
      id,
      tenant,
      module,
      version,
      status,
      traffic: weight / 100,
      createdAt: createdAt.get(id) ?? new Date(0).toISOString(),
    })),
    traffic: trafficOf(state),
    operation: operation === undefined ? null : { ...operation, step: step?.name ?? null },
  };
}

/** A page of the modules that a tenant uses, by module. @throws TenantNotFoundError */
export async function listTenantModules(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  page: { cursor: string | undefined; limit: number },
): Promise<Page<TenantModule>> {
  await requireTenant(db, tenant);
  let query = db
    .selectFrom("tenant_modules")
    .select("module")
    .where("tenant", "=", tenant)
    .orderBy("module")
    .limit(page.limit + 1);
  if (page.cursor !== undefined) query = query.where("module", ">", page.cursor as ModuleId);
  const rows = await query.execute();
  const shown = rows.slice(0, page.limit);
  const items = await Promise.all(shown.map((row) => describeTenantModule(db, tenant, row.module)));
  return { items, nextCursor: rows.length > page.limit ? (shown.at(-1)?.module ?? null) : null };
}

/** Shares in percent by version, of those that get traffic. */
export function trafficOf(state: Pick<TenantModuleState, "live">): Record<string, number> {
  return Object.fromEntries(state.live.map(({ version, weight }) => [version, weight / 100]));
}
