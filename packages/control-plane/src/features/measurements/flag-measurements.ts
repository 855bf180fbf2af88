import { type Kysely, sql } from "kysely";
import type { MeasurementRow } from "@aibos/contract";
import { failedRequests, type ModuleId, type VersionWindow } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";

/** Nobody asks for what is older, in milliseconds: a rollout looks at new windows. */
const KEEP_MS = 3_600_000;

/** Adds what came of requests that met a flag's rollout; rows that are too old are left out. */
export async function insertFlagMeasurements(
  db: Kysely<ControlTables>,
  rows: readonly MeasurementRow[],
  now: number,
): Promise<void> {
  const values = rows.flatMap(({ at, tenant, module, version, met, requests, errors, latency }) =>
    met === undefined || tenant === null || at * 1_000 < now - KEEP_MS
      ? []
      : [
          {
            at: new Date(Math.min(at * 1_000, now)),
            module,
            flag: met.flag,
            is_in: met.isIn,
            tenant,
            version,
            requests,
            client_errors: errors.client ?? 0,
            server_errors: errors.server ?? 0,
            unreachable: errors.unreachable ?? 0,
            timeouts: errors.timeout ?? 0,
            broken: errors.broken ?? 0,
            clients_gone: errors.clientGone ?? 0,
            cut: errors.cut ?? 0,
            latency_buckets: latency.buckets,
            latency_counts: latency.counts,
          },
        ],
  );
  if (values.length > 0) await db.insertInto("flag_measurements").values(values).execute();
}

export async function dropOldFlagMeasurements(db: Kysely<ControlTables>, now: number): Promise<void> {
  await db
    .deleteFrom("flag_measurements")
    .where("at", "<", new Date(now - KEEP_MS))
    .execute();
}

/** What came of the requests of one window that met a flag's rollout, of all tenants and versions together. */
export interface FlagWindow {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number;
  /** Those whose user the rollout did not take in, and those whose it did. */
  readonly out: VersionWindow;
  readonly in: VersionWindow;
}

interface SideRow {
  readonly at: Date;
  readonly is_in: boolean;
  readonly requests: number;
  readonly client: number;
  readonly server: number;
  readonly unreachable: number;
  readonly timeout: number;
  readonly broken: number;
  readonly clientGone: number;
  readonly cut: number;
  readonly buckets: readonly number[] | null;
  readonly counts: readonly string[] | null;
}

const EMPTY: VersionWindow = { requests: 0, errors: 0, latency: [] };

/** Windows that begin in a time, oldest first; `to` is excluded. Only those in which anything was measured. */
export async function readFlagWindows(
  { db }: Pick<ControlDatabase, "db">,
  { module, flag, from, to }: { module: ModuleId; flag: string; from: number; to: number },
): Promise<FlagWindow[]> {
  const { rows } = await sql<SideRow>`
    with chosen as materialized (
      select * from flag_measurements
      where module = ${module} and flag = ${flag} and at >= ${new Date(from)} and at < ${new Date(to)}
    ), sums as (
      select at, is_in, sum(requests)::int8 as requests, sum(client_errors)::int8 as client,
        sum(server_errors)::int8 as server, sum(unreachable)::int8 as unreachable, sum(timeouts)::int8 as timeout,
        sum(broken)::int8 as broken, sum(clients_gone)::int8 as "clientGone", sum(cut)::int8 as cut
      from chosen group by at, is_in
    ), counts as (
      select at, is_in, b.bucket, sum(b.count)::int8 as count
      from chosen, unnest(latency_buckets, latency_counts) as b (bucket, count) group by at, is_in, b.bucket
    ), sketches as (
      select at, is_in, array_agg(bucket order by bucket) as buckets, array_agg(count order by bucket) as counts
      from counts group by at, is_in
    )
    select * from sums left join sketches using (at, is_in) order by at`.execute(db);
  return [...Map.groupBy(rows, ({ at }) => at.getTime())].map(([at, sides]) => ({
    at,
    out: windowOf(sides.find(({ is_in: isIn }) => !isIn)),
    in: windowOf(sides.find(({ is_in: isIn }) => isIn)),
  }));
}

function windowOf(row: SideRow | undefined): VersionWindow {
  if (row === undefined) return EMPTY;
  return {
    requests: row.requests,
    errors: failedRequests(row),
    latency: (row.buckets ?? []).map((bucket, index) => [bucket, Number(row.counts?.[index])] as const),
  };
}
