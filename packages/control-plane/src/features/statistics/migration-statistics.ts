import { type Kysely, sql } from "kysely";
import type { MigrationStatistics } from "@aibos/contract";
import { bucketLatency, type ModuleId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

type Times = MigrationStatistics["times"];

/** Which migrations are counted: of a module, and where a day is given those alone that ended on it or later. */
interface Counted {
  readonly module: ModuleId;
  /** An ISO date, in UTC; undefined: all. */
  readonly since: string | undefined;
}

interface GroupRow {
  /** Null where the row is not of one hop; so is the status where it is not of one. */
  from_version: string | null;
  to_version: string | null;
  status: string | null;
  total: number;
  succeeded: number;
  failed: number;
  average: number | null;
}

interface QuantileRow {
  from_version: string | null;
  to_version: string | null;
  p50: number;
  p95: number;
  p99: number;
}

/** So many hops are told of, and so many causes. */
const HOPS = 100;
const CAUSES = 20;

/** Counts a module's migrations, from the counts that are kept of them (023_statistics.sql). */
export async function readMigrationStatistics(
  db: Kysely<ControlTables>,
  counted: Counted,
): Promise<MigrationStatistics> {
  const { module } = counted;
  const rows = await readGroups(db, counted);
  const quantiles = new Map((await readQuantiles(db, counted)).map((row) => [hopKey(row), row] as const));
  const all = rows.find((row) => row.status === null && row.from_version === null);
  const hops = rows.filter((row) => row.from_version !== null).sort((a, b) => b.total - a.total);
  const byStatus = Object.fromEntries(
    rows.flatMap(({ status, total }) => (status === null ? [] : [[status, total] as const])),
  );
  const byItself = byStatus["rolled-back"] ?? 0;
  const byHand = await countRollbacks(db, counted);
  const ended = (all?.succeeded ?? 0) + (all?.failed ?? 0);
  return {
    module,
    total: all?.total ?? 0,
    byStatus,
    successRate: successRateOf(all),
    times: timesOf(all, quantiles),
    rollbacks: {
      byItself,
      byHand,
      // One tenant may go back more than once.
      rate: ended === 0 ? null : Math.min(1, (byItself + byHand) / ended),
      causes: await readCauses(db, counted),
    },
    hops: hops.slice(0, HOPS).map((row) => ({
      fromVersion: row.from_version ?? "",
      toVersion: row.to_version ?? "",
      total: row.total,
      successRate: successRateOf(row),
      times: timesOf(row, quantiles),
    })),
  };
}

/** What is folded, and what is not yet. */
const counts = ({ module, since }: Counted) => sql`(
  select kind, from_version, to_version, status, code, step, bucket, count, total_us from migration_counts
  where module = ${module} and (${since ?? null}::date is null or day >= ${since ?? null}::date)
  union all
  select kind, from_version, to_version, status, code, step, bucket, count, total_us from migration_count_changes
  where module = ${module} and (${since ?? null}::date is null or day >= ${since ?? null}::date)
)`;

async function readGroups(db: Kysely<ControlTables>, counted: Counted): Promise<GroupRow[]> {
  const { rows } = await sql<GroupRow>`
    select from_version, to_version, status, sum(count)::float8 as total,
      coalesce(sum(count) filter (where status = 'succeeded'), 0)::float8 as succeeded,
      coalesce(sum(count) filter (where status in ('failed', 'rolled-back')), 0)::float8 as failed,
      (sum(total_us) filter (where bucket >= 0) / nullif(sum(count) filter (where bucket >= 0), 0) / 1000)::float8 as average
    from (
      select from_version, to_version, status, bucket, count, total_us
      from ${counts(counted)} as ended where kind = 'migrate'
      union all
      select coalesce(from_version, ''), coalesce(to_version, ''), status, -1, 1, 0 from migration_records
      where module = ${counted.module} and kind = 'migrate' and finished_at is null
    ) as migrations
    group by grouping sets ((), (status), (from_version, to_version))
    having sum(count) > 0`.execute(db);
  return rows;
}

/** Buckets of the quantiles, of all together and by hop: that in which rank ⌈q n⌉ is. */
async function readQuantiles(db: Kysely<ControlTables>, counted: Counted): Promise<QuantileRow[]> {
  const { rows } = await sql<QuantileRow>`
    with buckets as (
      select from_version, to_version, bucket, sum(count) as count
      from ${counts(counted)} as ended where kind = 'migrate' and bucket >= 0
      group by grouping sets ((bucket), (from_version, to_version, bucket))
    ), ranked as (
      select from_version, to_version, bucket,
        sum(count) over (partition by from_version, to_version order by bucket) as passed,
        sum(count) over (partition by from_version, to_version) as total
      from buckets where count > 0
    )
    select from_version, to_version,
      min(bucket) filter (where passed >= 0.5 * total) as p50,
      min(bucket) filter (where passed >= 0.95 * total) as p95,
      min(bucket) filter (where passed >= 0.99 * total) as p99
    from ranked group by 1, 2`.execute(db);
  return rows;
}

async function countRollbacks(db: Kysely<ControlTables>, counted: Counted): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(count), 0)::float8 as count from ${counts(counted)} as ended
    where kind in ('rollback', 'restore') and status = 'succeeded'`.execute(db);
  return rows[0]?.count ?? 0;
}

async function readCauses(
  db: Kysely<ControlTables>,
  counted: Counted,
): Promise<MigrationStatistics["rollbacks"]["causes"]> {
  const { rows } = await sql<{ code: string; step: string; count: number }>`
    select code, step, sum(count)::float8 as count from ${counts(counted)} as ended
    where kind = 'migrate' and status in ('failed', 'rolled-back') and code <> ''
    group by 1, 2 having sum(count) > 0 order by 3 desc, 1, 2 limit ${CAUSES}`.execute(db);
  return rows;
}

function hopKey({ from_version, to_version }: Pick<GroupRow, "from_version" | "to_version">): string {
  return `${from_version} ${to_version}`;
}

function successRateOf(row: GroupRow | undefined): number | null {
  const ended = (row?.succeeded ?? 0) + (row?.failed ?? 0);
  return row === undefined || ended === 0 ? null : row.succeeded / ended;
}

function timesOf(row: GroupRow | undefined, quantiles: ReadonlyMap<string, QuantileRow>): Times {
  const found = row === undefined ? undefined : quantiles.get(hopKey(row));
  const of = (bucket: number | undefined): number | null => (bucket === undefined ? null : bucketLatency(bucket));
  return { averageMs: row?.average ?? null, p50Ms: of(found?.p50), p95Ms: of(found?.p95), p99Ms: of(found?.p99) };
}
