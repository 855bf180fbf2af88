import { type RawBuilder, sql } from "kysely";

/** Columns that simply add up. */
const SUMS = [
  "requests",
  "client_errors",
  "server_errors",
  "unreachable",
  "timeouts",
  "broken",
  "clients_gone",
  "cut",
  "latency_sum",
  "bytes_received",
  "bytes_sent",
  "cpu_ms",
  "observed_ms",
] as const;

/** What some rows of measurements add up to. */
export type SummedRow = Record<(typeof SUMS)[number], number> & {
  readonly tenant: string | null;
  readonly module: string;
  readonly version: string;
  readonly latency_buckets: readonly number[];
  /** As text: they are int8. */
  readonly latency_counts: readonly string[];
  readonly in_flight: number;
  readonly cpu_ms: number | null;
  readonly observed_ms: number | null;
  readonly memory_bytes: number | null;
};

/** The columns that {@link summedRows} gives after `at`, in its order. */
export const SUMMED_COLUMNS = sql.raw(
  ["tenant", "module", "version", ...SUMS, "in_flight", "memory_bytes", "latency_buckets", "latency_counts"].join(", "),
);

/**
 * A statement that adds rows up, by tenant, module, version and time: sketches bucket by bucket, and what was under way
 * as the most at once of what all sources had together in a window.
 *
 * @param rows a statement that selects rows of one of the tables of measurements
 * @param time an expression over a row's `at`: rows with the same value become one
 */
export function summedRows(rows: RawBuilder<unknown>, time: RawBuilder<unknown>): RawBuilder<SummedRow> {
  const sums = sql.raw(
    SUMS.map((name) => {
      const isWhole = !name.endsWith("_ms") && name !== "latency_sum";
      return `sum(${name})${isWhole ? "::int8" : ""} as ${name}`;
    }).join(", "),
  );
  const key = sql.raw("span_at, of_tenant, module, version");
  return sql<SummedRow>`
    with chosen as materialized (
      select r.*, ${time} as span_at, coalesce(r.tenant, '') as of_tenant from (${rows}) r
    ), sums as (
      select ${key}, ${sums} from chosen group by ${key}
    ), by_source as (
      select ${key}, at, max(in_flight) as in_flight, max(memory_bytes) as memory_bytes
      from chosen group by ${key}, at, source
    ), by_window as (
      select ${key}, sum(in_flight) as in_flight, sum(memory_bytes) as memory_bytes from by_source group by ${key}, at
    ), peaks as (
      select ${key}, max(in_flight)::int4 as in_flight, max(memory_bytes)::int8 as memory_bytes
      from by_window group by ${key}
    ), buckets as (
      select ${key}, b.bucket, sum(b.count)::int8 as count
      from chosen, unnest(latency_buckets, latency_counts) as b (bucket, count) group by ${key}, b.bucket
    ), sketches as (
      select ${key}, array_agg(bucket order by bucket) as latency_buckets, array_agg(count order by bucket) as latency_counts
      from buckets group by ${key}
    )
    select span_at as at, nullif(of_tenant, '') as tenant, module, version,
      ${sql.raw(SUMS.join(", "))}, in_flight, memory_bytes,
      coalesce(latency_buckets, '{}') as latency_buckets, coalesce(latency_counts, '{}') as latency_counts
    from sums join peaks using (${key}) left join sketches using (${key})`;
}
