import { type Kysely, sql } from "kysely";
import type { ModuleManifest, UpgradeAdvice } from "@aibos/contract";
import {
  compareVersions,
  findSmallestUpgrade,
  type ModuleId,
  parseRange,
  type TenantId,
  type Version,
} from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

/** Says what a tenant's modules need so that one of them can be at a version. */
export async function adviseUpgrade(
  db: Kysely<ControlTables>,
  { tenant, module, version }: { tenant: TenantId; module: ModuleId; version: Version },
): Promise<UpgradeAdvice> {
  const live = await db
    .selectFrom("tenant_module_instances")
    .select(["module", "version"])
    .where("tenant", "=", tenant)
    .where("status", "<>", "retired")
    .execute();
  const installed = new Map<ModuleId, Version>();
  for (const one of live) {
    const known = installed.get(one.module);
    if (known === undefined || compareVersions(one.version, known) > 0) installed.set(one.module, one.version);
  }
  const rows = await db
    .selectFrom("module_versions")
    .select(["module", "version", sql<ModuleManifest["dependencies"]>`manifest -> 'dependencies'`.as("dependencies")])
    .execute();
  const releases = rows.map((row) => ({
    module: row.module,
    version: row.version,
    dependencies: new Map(Object.entries(row.dependencies) as [ModuleId, ModuleManifest["dependencies"][string]][]),
  }));
  const { explanation, versions, moves } = findSmallestUpgrade({
    releases,
    installed,
    wanted: new Map([[module, parseRange(version)]]),
  });
  return {
    explanation: [...explanation],
    versions: versions === undefined ? null : Object.fromEntries(versions),
    moves: moves?.map(({ module: moved, from, to }) => ({ module: moved, from: from ?? null, to })) ?? null,
  };
}
