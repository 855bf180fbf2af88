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
      select version, sum(change)::int as tenants from ${changes(module)} as changes group by version
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

/** What came and went, by day: what is folded, and what is not yet (023_statistics.sql). */
const changes = (module: ModuleId) => sql`(
  select version, day, change from instance_counts where module = ${module}
  union all select version, day, change from instance_count_changes where module = ${module}
)`;

/** Days before the first one that is asked for are summed up in it. */
async function readHistory(
  db: Kysely<ControlTables>,
  module: ModuleId,
  { days, now }: { days: number; now: number },
): Promise<Day[]> {
  const first = dayOf(now - (days - 1) * DAY_MS);
  const { rows } = await sql<{ version: string; day: string; change: number }>`
    select version, greatest(day, ${first}::date)::text as day, sum(change)::int as change
    from ${changes(module)} as changes
    group by 1, 2 order by 2`.execute(db);
  const byDay = Map.groupBy(rows, ({ day }) => day);
  const tenants = new Map<string, number>();
  return Array.from({ length: days }, (_, index) => {
    const day = dayOf(now - (days - 1 - index) * DAY_MS);
    for (const { version, change } of byDay.get(day) ?? []) {
      tenants.set(version, (tenants.get(version) ?? 0) + change);
    }
    return { day, tenants: Object.fromEntries([...tenants].filter(([, some]) => some > 0)) };
  });
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
