import { type Kysely, sql } from "kysely";
import type { Leftover } from "@aibos/contract";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import { readLiveVersionNames, viewSchemaName } from "@aibos/tenant-data";
import type { ControlTables } from "../../db/control-tables.ts";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";

type Db = Kysely<ControlTables>;

/** Something that nobody needs, and what names it. */
export type Found = Pick<Leftover, "kind" | "name" | "bytes" | "why"> &
  (
    | { readonly kind: "version-views"; readonly tenant: TenantId; readonly module: ModuleId }
    | { readonly kind: "rollback-copy"; readonly tenant: TenantId; readonly module: ModuleId }
    | { readonly kind: "artifact"; readonly tenant: null; readonly module: ModuleId; readonly digest: string }
  );

/** Sizes of a schema's tables with their indexes. */
const BYTES = sql<number>`(select coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 from pg_class c
  where c.relnamespace = n.oid and c.relkind in ('r', 'm'))`;

/**
 * Copies of rollback points that were dropped or restored, which are still there: whoever should have dropped one was
 * killed, or somebody was reading it. Schemas that belong to no known point are left alone: they may be anybody's.
 */
export async function findRollbackCopies(db: Db, limit: number): Promise<Found[]> {
  const { rows } = await sql<{ name: string; bytes: number; tenant: TenantId; module: ModuleId; state: string }>`
    select n.nspname as name, ${BYTES} as bytes, p.tenant, p.module, p.state
    from rollback_points p join pg_namespace n on n.nspname = p.schema_name
    where p.state <> 'available'
      and not exists (select from rollback_points o where o.schema_name = p.schema_name and o.state = 'available')
      and not exists (select from tenant_modules t where t.schema_name = p.schema_name)
    order by n.nspname limit ${limit}`.execute(db);
  return rows.map(({ state, ...row }) => ({
    kind: "rollback-copy",
    ...row,
    why: `its rollback point was ${state}`,
  }));
}

/** Schemas of views that no live version of a tenant's data has, of tenants that no operation works on. */
export async function findVersionViews({ db, pool }: ControlDatabase, limit: number): Promise<Found[]> {
  const { rows } = await sql<{ name: string; schema: string; bytes: number; tenant: TenantId; module: ModuleId }>`
    select n.nspname as name, t.schema_name as schema, ${BYTES} as bytes, t.tenant, t.module
    from pg_namespace n join tenant_modules t on t.schema_name = split_part(n.nspname, '@', 1)
    where n.nspname like '%@%' and t.migration_id is null
      -- Of those with several live versions most schemas are needed.
    order by n.nspname limit ${limit * 10}`.execute(db);
  const found: Found[] = [];
  for (const { schema, ...row } of rows) {
    if (found.length >= limit) break;
    if (await isNeededViews({ db, pool }, { ...row, schema })) continue;
    found.push({ kind: "version-views", ...row, why: "the version that it belongs to is not live any more" });
  }
  return found;
}

/** Both say so: the instances, and the tenant's own data. */
export async function isNeededViews(
  { db, pool }: { db: Db; pool: Parameters<typeof readLiveVersionNames>[0] },
  { name, schema, tenant, module }: { name: string; schema: string; tenant: TenantId; module: ModuleId },
): Promise<boolean> {
  const live = await db
    .selectFrom("tenant_module_instances")
    .select("data_version")
    .distinct()
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("status", "<>", "retired")
    .execute();
  const versions: string[] = live.length < 2 ? [] : live.map((row) => row.data_version);
  versions.push(...(await readLiveVersionNames(pool, schema)));
  return versions.some((version) => viewSchemaName(schema, version) === name);
}

/**
 * Archives of releases past their end of life that everybody has left behind: no tenant, no data and no usable rollback
 * point or backup is on one or on an older one, which could come by it on its way; and nothing of the module is under way.
 */
export async function findArtifacts(
  { db }: Pick<ControlTransaction, "db">,
  today: string,
  limit: number,
  digest: string | null = null,
): Promise<Found[]> {
  const { rows } = await sql<{ module: ModuleId; version: Version; digest: string; bytes: number; end: string }>`
    select v.module, v.version, v.digest, octet_length(a.content)::float8 as bytes,
      v.manifest #>> '{lifecycle,endOfLife}' as end
    from module_versions v join artifacts a on a.digest = v.digest
    where a.content is not null and (${digest}::text is null or v.digest = ${digest}::text)
      and v.manifest #>> '{lifecycle,endOfLife}' <= ${today}
      and exists (select from module_versions n where n.module = v.module and n.sort_key > v.sort_key)
      and not exists (select from module_versions same where same.digest = v.digest and same.version <> v.version)
      and not exists (
        select from module_versions old
        where old.module = v.module and old.sort_key <= v.sort_key and (
          exists (select from tenant_module_instances i
            where i.module = old.module and i.version = old.version and i.status <> 'retired')
          or exists (select from tenant_modules t where t.module = old.module and t.data_version = old.version)
          or exists (select from rollback_points p where p.module = old.module and p.state = 'available'
            and old.version in (p.version, p.data_version))
          or exists (select from backups b where b.module = old.module and b.state = 'available'
            and old.version in (b.version, b.data_version))))
      and not exists (select from migration_records r where r.module = v.module and r.finished_at is null)
      and not exists (select from fleet_upgrades f where f.module = v.module and f.finished_at is null)
    order by v.module, v.sort_key limit ${limit}`.execute(db);
  return rows.map(({ version, end, ...row }) => ({
    kind: "artifact",
    tenant: null,
    name: `${row.module}@${version}`,
    ...row,
    why: `its end of life was on ${end}, and nobody is on it or an older one`,
  }));
}
