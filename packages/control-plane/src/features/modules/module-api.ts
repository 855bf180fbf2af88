import { type Kysely, sql } from "kysely";
import { ModuleNotFoundError, type ModuleVersion, type RouteHandlers, VersionNotFoundError } from "@aibos/contract";
import { buildUpgradeGraph, findUpgradePath, type ModuleId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { pageOf, readCursor } from "../../db/cursor.ts";
import type { ModuleReadModel } from "./module-read-model.ts";

type ModuleApi = Pick<RouteHandlers, "listModules" | "listVersions" | "getVersion" | "getMigrationPath">;

/** What is published. */
export function createModuleApi({
  database,
  modules,
}: {
  database: ControlDatabase;
  modules: ModuleReadModel;
}): ModuleApi {
  const { db } = database;

  return {
    async listModules({ query: { cursor, limit } }) {
      const after = readCursor(cursor, 1);
      let query = db
        .selectFrom("modules as m")
        .select([
          "m.id",
          "m.title",
          sql<string>`(select v.version from module_versions v where v.module = m.id
            order by v.sort_key desc limit 1)`.as("latestVersion"),
          sql<number>`(select count(*) from module_versions v where v.module = m.id)`.as("versions"),
          sql<number>`(select count(distinct i.tenant) from tenant_module_instances i
            where i.module = m.id and i.status <> 'retired')`.as("tenants"),
        ])
        .orderBy("m.id")
        .limit(limit + 1);
      if (after !== undefined) query = query.where(sql<boolean>`m.id > ${after[0]}`);
      return pageOf(await query.execute(), limit, (row) => [row.id]);
    },

    async listVersions({ params: { module }, query: { cursor, limit } }) {
      const after = readCursor(cursor, 1);
      let query = versions(db)
        .select("v.sort_key")
        .where("v.module", "=", module)
        .orderBy("v.sort_key", "desc")
        .limit(limit + 1);
      if (after !== undefined) query = query.where("v.sort_key", "<", after[0]);
      const rows = await query.execute();
      if (rows.length === 0) await requireModule(db, module);
      const page = pageOf(rows, limit, (row) => [row.sort_key]);
      return { items: page.items.map(describe), nextCursor: page.nextCursor };
    },

    async getVersion({ params: { module, version } }) {
      const row = await versions(db).where("v.module", "=", module).where("v.version", "=", version).executeTakeFirst();
      // The read model knows which of the two is missing.
      if (row === undefined) await modules.getVersion(module, version);
      if (row === undefined) throw new VersionNotFoundError(module, version, []);
      return describe(row);
    },

    async getMigrationPath({ params: { module }, query: { from, to } }) {
      const releases = await modules.listReleases(module);
      for (const version of [from, to]) requireRelease(module, version, releases);
      return { path: [...findUpgradePath(buildUpgradeGraph(module, releases), from, to)] };
    },
  };
}

function versions(db: Kysely<ControlTables>) {
  return db.selectFrom("module_versions as v").select([
    "v.module",
    "v.version",
    "v.title",
    "v.digest",
    "v.size_bytes",
    "v.manifest",
    "v.migrations",
    "v.published_at",
    sql<number>`(select count(distinct i.tenant) from tenant_module_instances i
        where i.module = v.module and i.version = v.version and i.status <> 'retired')`.as("tenants"),
  ]);
}

function describe(row: Awaited<ReturnType<ReturnType<typeof versions>["execute"]>>[number]): ModuleVersion {
  const { upgrades, runtime, data, lifecycle } = row.manifest;
  return {
    module: row.module,
    version: row.version,
    title: row.title,
    digest: row.digest,
    sizeBytes: row.size_bytes,
    driver: runtime.driver,
    upgradesFrom: upgrades.from ?? null,
    compatibleWith: data.compatibleWith ?? null,
    migrations: row.migrations.map((migration) => migration.name),
    deprecatedOn: lifecycle.deprecatedOn ?? null,
    endOfLife: lifecycle.endOfLife ?? null,
    replacement: lifecycle.replacement ?? null,
    migrationGuide: lifecycle.migrationGuide ?? null,
    tenants: row.tenants,
    publishedAt: row.published_at.toISOString(),
  };
}

async function requireModule(db: Kysely<ControlTables>, module: ModuleId): Promise<void> {
  const row = await db.selectFrom("modules").select("id").where("id", "=", module).executeTakeFirst();
  if (row === undefined) throw new ModuleNotFoundError(module);
}

function requireRelease(module: ModuleId, version: Version, releases: readonly { version: Version }[]): void {
  const published = releases.map((release) => release.version);
  if (!published.includes(version)) throw new VersionNotFoundError(module, version, published.slice(0, 20));
}
