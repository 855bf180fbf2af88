import { xxh32 } from "../traffic/xxh32.ts";
import type { InstallationId } from "./installation-id.ts";
import type { ModuleId } from "./module-id.ts";
import type { TenantId } from "./tenant-id.ts";
import type { Version } from "../versions/version.ts";

/** PostgreSQL cuts longer names silently. */
const LONGEST = 63;

/** Schema of what a database's extensions bring, which all tenants share. It needs no quotes. */
export const EXTENSION_SCHEMA = "aibos_extensions";

/** Schema of a tenant's data for a module. */
export function tenantSchemaName(tenant: TenantId, module: ModuleId): string {
  return sqlName("t", [tenant, module]);
}

/** Role that owns a tenant's data for a module. Roles are shared by all databases of a server, hence the installation. */
export function tenantRoleName(installation: InstallationId, tenant: TenantId, module: ModuleId): string {
  return sqlName(`aibos_${installation}_t`, [tenant, module]);
}

/** Role that a module version's processes log in as. */
export function versionRoleName(installation: InstallationId, module: ModuleId, version: Version): string {
  return sqlName(`aibos_${installation}_v`, [module, version]);
}

/** Schema of a rollback point's copy; `id` is the point's identifier. */
export function rollbackSchemaName(tenant: TenantId, module: ModuleId, id: string): string {
  return sqlName("rp", [tenant, module, id]);
}

/** Schema of a rehearsal's copy, and the role that owns it; `id` is the operation's. */
export function rehearsalName(installation: InstallationId, id: string): string {
  return sqlName(`aibos_${installation}_rehearsal`, [id]);
}

/**
 * One name for several parts, the same for the same parts and another for others. Parts are joined by two underscores;
 * a dash becomes one, which no part has (`a-b` + `c` is `a_b__c`, `a` + `b-c` is `a__b_c`). Other characters, and names
 * that would be too long, bring a hash along.
 */
function sqlName(prefix: string, parts: readonly string[]): string {
  const readable = parts.map((part) => part.replaceAll("-", "_").replace(/[^a-z0-9_]/g, "_"));
  const plain = [prefix, ...readable].join("__");
  const exact = parts.every((part) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(part));
  if (exact && plain.length <= LONGEST) return plain;
  const hash = [0, 1].map((seed) => xxh32(parts.join("/"), seed).toString(16).padStart(8, "0")).join("");
  return `${plain.slice(0, LONGEST - hash.length - 3)}___${hash}`;
}
