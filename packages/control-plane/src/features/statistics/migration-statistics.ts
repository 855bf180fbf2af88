import { type Kysely, sql } from "kysely";
import type { MigrationStatistics } from "@aibos/contract";
import type { ModuleId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

type Times = MigrationStatistics["times"];

interface GroupRow {
  from_version: string | null;
  to_version: string | null;
  /** Null where the row is not of one status; so are the versions where it is not of one hop. */
  status: string | null;
  of_status: boolean;
  of_hop: boolean;
  total: number;
  succeeded: number;
  failed: number;
  average: number | null;
  percentiles: number[] | null;
}

/** So many hops are told of, and so many causes. */
const HOPS = 100;
const CAUSES = 20;

/** Counts a module's migrations: one pass over an index that has all it needs (`migration_records_statistics`). */
export async function readMigrationStatistics(
  db: Kysely<ControlTables>,
  module: ModuleId,
): Promise<MigrationStatistics> {
  const { rows } = await sql<GroupRow>`
    select from_version, to_version, status, grouping(status) = 0 as of_status, grouping(from_version) = 0 as of_hop,
      count(*)::int as total,
      (count(*) filter (where status = 'succeeded'))::int as succeeded,
      (count(*) filter (where status in ('failed', 'rolled-back')))::int as failed,
      (avg(ms) filter (where status = 'succeeded'))::float8 as average,
      percentile_cont(array[0.5, 0.95, 0.99]) within group (order by ms) filter (where status = 'succeeded')
        as percentiles
    from (
      select from_version, to_version, status,
        (extract(epoch from finished_at - started_at) * 1000)::float8 as ms
      from migration_records where module = ${module} and kind = 'migrate'
    ) as migrations
    group by grouping sets ((), (status), (from_version, to_version))`.execute(db);
  const all = rows.find((row) => !row.of_status && !row.of_hop);
  const hops = rows.filter((row) => row.of_hop).sort((a, b) => b.total - a.total);
  const byStatus = Object.fromEntries(
    rows.filter((row) => row.of_status).map(({ status, total }) => [status ?? "", total]),
  );
  const byItself = byStatus["rolled-back"] ?? 0;
  const byHand = await countRollbacks(db, module);
  const ended = (all?.succeeded ?? 0) + (all?.failed ?? 0);
  return {
    module,
    total: all?.total ?? 0,
    byStatus,
    successRate: successRateOf(all),
    times: timesOf(all),
    rollbacks: {
      byItself,
      byHand,
      // One tenant may go back more than once.
      rate: ended === 0 ? null : Math.min(1, (byItself + byHand) / ended),
      causes: await readCauses(db, module),
    },
    hops: hops.slice(0, HOPS).map((row) => ({
      fromVersion: row.from_version ?? "",
      toVersion: row.to_version ?? "",
      total: row.total,
      successRate: successRateOf(row),
      times: timesOf(row),
    })),
  };
}

async function countRollbacks(db: Kysely<ControlTables>, module: ModuleId): Promise<number> {
  const row = await db
    .selectFrom("migration_records")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("module", "=", module)
    .where("kind", "in", ["rollback", "restore"])
    .where("status", "=", "succeeded")
    .executeTakeFirst();
  return row?.count ?? 0;
}

async function readCauses(
  db: Kysely<ControlTables>,
  module: ModuleId,
): Promise<MigrationStatistics["rollbacks"]["causes"]> {
  const { rows } = await sql<{ code: string; step: string; count: number }>`
    select failure->>'code' as code, failure->>'step' as step, count(*)::int as count
    from migration_records
    where module = ${module} and kind = 'migrate' and status in ('failed', 'rolled-back') and failure is not null
    group by 1, 2 order by 3 desc, 1, 2 limit ${CAUSES}`.execute(db);
  return rows;
}

function successRateOf(row: GroupRow | undefined): number | null {
  const ended = (row?.succeeded ?? 0) + (row?.failed ?? 0);
  return row === undefined || ended === 0 ? null : row.succeeded / ended;
}

function timesOf(row: GroupRow | undefined): Times {
  const [p50Ms = null, p95Ms = null, p99Ms = null] = row?.percentiles ?? [];
  return { averageMs: row?.average ?? null, p50Ms, p95Ms, p99Ms };
}
