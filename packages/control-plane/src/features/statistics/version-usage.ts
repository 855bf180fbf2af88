import { type Kysely, sql } from "kysely";
import type { VersionUsageStats } from "@aibos/contract";
import { compareVersions, type ModuleId, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

type Standing = VersionUsageStats["versions"][number]["standing"];
type Day = VersionUsageStats["history"][number];

const DAY_MS = 86_400_000;

/** Counts tenants by version: now, and at the end of each of the last days, from when instances came and went. */
export async function readVersionUsage(
  db: Kysely<ControlTables>,
  module: ModuleId,
  { days, now }: { days: number; now: number },
): Promise<VersionUsageStats> {
  const today = dayOf(now);
  const versions = await readVersions(db, module, today);
  const tenantsOf = (standing: Standing): number =>
    versions.filter((one) => one.standing === standing).reduce((sum, { tenants }) => sum + tenants, 0);
  return {
    module,
    versions,
    exposure: { deprecated: tenantsOf("deprecated"), endOfLife: tenantsOf("end-of-life") },
    history: await readHistory(db, module, { days, now }),
  };
}

async function readVersions(
  db: Kysely<ControlTables>,
  module: ModuleId,
  today: string,
): Promise<VersionUsageStats["versions"]> {
  const { rows } = await sql<{ version: Version; tenants: number; deprecated: string | null; end: string | null }>`
    select v.version, coalesce(used.tenants, 0) as tenants,
      v.manifest->'lifecycle'->>'deprecatedOn' as deprecated, v.manifest->'lifecycle'->>'endOfLife' as end
    from module_versions v
    left join (
      -- A tenant has a version once while it is live.
      select version, count(*)::int as tenants from tenant_module_instances
      where module = ${module} and status <> 'retired' group by version
    ) as used on used.version = v.version
    where v.module = ${module}`.execute(db);
  return rows
    .sort((a, b) => compareVersions(a.version, b.version))
    .map(({ version, tenants, deprecated, end }) => ({
      version,
      tenants,
      deprecatedOn: deprecated,
      endOfLife: end,
      standing: standingOn(today, deprecated, end),
    }));
}

function standingOn(today: string, deprecated: string | null, end: string | null): Standing {
  if (end !== null && end <= today) return "end-of-life";
  return deprecated !== null && deprecated <= today ? "deprecated" : "supported";
}

/** What came and went is summed up by day: one pass over the instances, however many days are asked for. */
async function readHistory(
  db: Kysely<ControlTables>,
  module: ModuleId,
  { days, now }: { days: number; now: number },
): Promise<Day[]> {
  const first = dayOf(now - (days - 1) * DAY_MS);
  const { rows } = await sql<{ version: string; day: string; change: number }>`
    select version, greatest((at at time zone 'UTC')::date, ${first}::date)::text as day, sum(change)::int as change
    from (
      select version, created_at as at, 1 as change from tenant_module_instances where module = ${module}
      union all
      select version, retired_at, -1 from tenant_module_instances
      where module = ${module} and retired_at is not null
    ) as changes
    group by 1, 2 order by 2`.execute(db);
  const changes = Map.groupBy(rows, ({ day }) => day);
  const tenants = new Map<string, number>();
  return Array.from({ length: days }, (_, index) => {
    const day = dayOf(now - (days - 1 - index) * DAY_MS);
    for (const { version, change } of changes.get(day) ?? []) {
      tenants.set(version, (tenants.get(version) ?? 0) + change);
    }
    return { day, tenants: Object.fromEntries([...tenants].filter(([, some]) => some > 0)) };
  });
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
