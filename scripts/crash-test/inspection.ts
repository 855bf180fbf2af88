import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Client } from "pg";
import { fingerprintSchema } from "@aibos/tenant-data";

const run = promisify(execFile);

/** What a tenant's use of the module looks like from outside. */
export interface TenantFacts {
  readonly dataVersion: string;
  readonly live: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
  readonly busyWith: string | null;
  readonly held: boolean;
  readonly structure: string;
  readonly data: string;
  /** Versions whose login role may reach the tenant's data. */
  readonly granted: readonly string[];
}

export async function inspectTenant(client: Client, tenant: string): Promise<TenantFacts> {
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
  if (row === undefined) throw new Error(`Tenant ${tenant} does not use the module.`);
  const { structure, data } = await fingerprintSchema(client, row.schema_name);
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

/** Schemas of tenants' data that no tenant and no rollback point accounts for. */
export async function leftoverSchemas(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select nspname as name from pg_namespace
     where nspname !~ '^(pg_|information_schema$|public$|aibos$|aibos_dbos$|dbos$)'
       and nspname not in (select schema_name from aibos.tenant_modules)
       and nspname not in (select schema_name from aibos.rollback_points where state = 'available')`,
  );
  return rows.map((row) => row.name);
}

/** Commands of living processes that were started for a data folder. */
export async function moduleProcesses(dataFolder: string): Promise<string[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,args="], { maxBuffer: 16 * 1024 * 1024 });
  const pids = stdout.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    return match === null ? [] : [{ pid: match[1] ?? "", args: match[2] ?? "" }];
  });
  const found: string[] = [];
  for (const { pid, args } of pids) {
    const { stdout: cwd } = await run("readlink", [`/proc/${pid}/cwd`]).catch(() => ({ stdout: "" }));
    if (cwd.startsWith(`${dataFolder}/runtime`)) found.push(`${pid} ${args}`);
  }
  return found;
}
