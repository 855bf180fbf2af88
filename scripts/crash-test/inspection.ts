import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import type { Client } from "pg";
import { fingerprintSchema, type SchemaFingerprint } from "@aibos/tenant-data";

/** What a tenant's use of the module looks like from outside. */
export interface TenantFacts {
  readonly dataVersion: string;
  readonly live: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
  readonly busyWith: string | null;
  readonly held: boolean;
  /** Tables, columns and indexes, without the names that differ between tenants. */
  readonly structure: string;
  /** Every row, and which migrations made the tables. */
  readonly data: string;
  /** Versions whose login role may reach the tenant's data. */
  readonly granted: readonly string[];
}

/** Undefined for a tenant that does not use the module. */
export async function inspectTenant(client: Client, tenant: string): Promise<TenantFacts | undefined> {
  const { rows } = await client.query<{
    schema_name: string;
    role_name: string;
    data_version: string;
    migration_id: string | null;
    live: string[];
    weights: Record<string, number>;
    held: boolean;
  }>(
    `select tm.schema_name, tm.role_name, tm.data_version, tm.migration_id,
       array(select version from aibos.tenant_module_instances i
             where i.tenant = tm.tenant and i.status <> 'retired' order by version) as live,
       (select coalesce(jsonb_object_agg(version, weight), '{}') from aibos.version_routing r
        where r.tenant = tm.tenant) as weights,
       exists (select from aibos.route_holds h where h.tenant = tm.tenant) as held
     from aibos.tenant_modules tm where tm.tenant = $1`,
    [tenant],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { structure, data } = await readSchema(client, row.schema_name);
  const members = await client.query<{ rolname: string }>(
    `select m.rolname from pg_auth_members a join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member
     where r.rolname = $1 and m.rolcanlogin and m.rolname <> current_user order by 1`,
    [row.role_name],
  );
  return {
    dataVersion: row.data_version,
    live: row.live,
    weights: row.weights,
    busyWith: row.migration_id,
    held: row.held,
    structure,
    data,
    granted: members.rows.map((member) => member.rolname),
  };
}

/** Digests of a tenant's structure and data, the same for tenants that were given the same. */
async function readSchema(client: Client, schema: string): Promise<{ structure: string; data: string }> {
  const columns = await client.query(
    `select table_name, column_name, ordinal_position, data_type, is_nullable, column_default
     from information_schema.columns where table_schema = $1 order by 1, 3`,
    [schema],
  );
  const indexes = await client.query(
    `select replace(indexdef, $1, 'tenant') as index from pg_indexes where schemaname = $1 order by 1`,
    [schema],
  );
  const rows = await client.query(`select notes::text as row from "${schema}".notes order by id`);
  const applied = await client.query(`select number, name, checksum from "${schema}".aibos_migrations order by number`);
  return { structure: digest([columns.rows, indexes.rows]), data: digest([rows.rows, applied.rows]) };
}

export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** The fingerprint that the platform itself compares: equal only for the same tenant's data, unchanged. */
export async function fingerprintTenant(client: Client, tenant: string): Promise<SchemaFingerprint | undefined> {
  const { rows } = await client.query<{ schema_name: string }>(
    "select schema_name from aibos.tenant_modules where tenant = $1",
    [tenant],
  );
  const [row] = rows;
  return row === undefined ? undefined : fingerprintSchema(client, row.schema_name);
}

/** Schemas of tenants' data that no tenant and no rollback point accounts for. */
export async function leftoverSchemas(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select nspname as name from pg_namespace
     where nspname !~ '^(pg_|information_schema$|public$|aibos$|aibos_customizations$|aibos_dbos$|dbos$)'
       and nspname not in (select schema_name from aibos.tenant_modules)
       and nspname not in (select schema_name from aibos.rollback_points where state = 'available')
       and nspname not in (
         select m.schema_name || '@' || one.data_version from aibos.tenant_modules m
           join aibos.tenant_module_instances one on (one.tenant, one.module) = (m.tenant, m.module)
           join aibos.tenant_module_instances other on (other.tenant, other.module) = (m.tenant, m.module)
         where one.status <> 'retired' and other.status <> 'retired' and one.data_version <> other.data_version)`,
  );
  return rows.map((row) => row.name);
}

/** Living processes that were started for a data folder, as "pid name". */
export async function moduleProcesses(dataFolder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    if (cwd.startsWith(`${dataFolder}/`) && cwd.includes("/runtime/")) found.push(`${pid} ${name.trim()}`);
  }
  return found;
}
