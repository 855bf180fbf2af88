import { randomBytes } from "node:crypto";
import { moduleManifestSchema } from "@aibos/contract";
import { parseModuleId, parseTenantId, parseVersion } from "@aibos/domain";
import type { ControlDatabase } from "../db/control-database.ts";
import { versionSortKey } from "../db/version-sort-key.ts";

/**
 * Puts a tenant that uses a module at some versions into the control data, past all rules, for tests of what reads it.
 *
 * @param seed.weights shares in 1/10,000 by version
 */
export async function seedTenantModule(
  database: ControlDatabase,
  seed: { tenant: string; module: string; weights: Record<string, number> },
): Promise<void> {
  const { db } = database;
  const tenant = parseTenantId(seed.tenant);
  const module = parseModuleId(seed.module);
  await db
    .insertInto("tenants")
    .values({ id: tenant, title: tenant, labels: "{}" })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const versions = Object.keys(seed.weights);
  for (const version of versions) await seedVersion(database, seed.module, version);
  const names = { schema_name: `t_${tenant}__${module}`, role_name: `r_${tenant}__${module}` };
  await db
    .insertInto("tenant_modules")
    .values({ tenant, module, ...names, data_version: null, migration_id: null })
    .execute();
  for (const [text, weight] of Object.entries(seed.weights)) {
    const version = parseVersion(text);
    const id = `ins_${randomBytes(6).toString("hex")}`;
    await db.insertInto("version_routing").values({ tenant, module, version, weight }).execute();
    await db
      .insertInto("tenant_module_instances")
      .values({ id, tenant, module, version, status: "active", data_version: version, retired_at: null })
      .execute();
  }
}

/** Puts a module version into the control data, without files. */
export async function seedVersion(
  { db }: ControlDatabase,
  module: string,
  version: string,
  more: Record<string, unknown> = {},
): Promise<void> {
  const runtime = { command: ["true"] };
  const manifest = moduleManifestSchema.parse({ id: module, version, title: module, runtime, ...more });
  const digest = randomBytes(32).toString("hex");
  await db
    .insertInto("modules")
    .values({ id: parseModuleId(module), title: module })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto("artifacts")
    .values({ digest, content: Buffer.alloc(0) })
    .execute();
  await db
    .insertInto("module_versions")
    .values({
      module: parseModuleId(module),
      version: parseVersion(version),
      sort_key: versionSortKey(parseVersion(version)),
      title: module,
      manifest: JSON.stringify(manifest),
      digest,
      size_bytes: 0,
      migrations: "[]",
      external_url: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
