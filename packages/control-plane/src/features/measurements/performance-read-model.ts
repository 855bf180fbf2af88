import { type RawBuilder, sql } from "kysely";
import type { VersionPerformance } from "@aibos/contract";
import {
  failedRequests,
  type LatencySketch,
  latencyQuantile,
  type ModuleId,
  type RequestErrors,
  sketchSize,
  type TenantId,
  type Version,
} from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { SPAN_MS, type Span, startOf } from "./spans.ts";
import { type SummedRow, summedRows } from "./summed-rows.ts";

/** Whose requests, and how far back. */
export interface PerformanceQuery {
  /** Undefined: all tenants together. */
  readonly tenant: TenantId | undefined;
  readonly module: ModuleId;
  readonly versions: readonly Version[];
  readonly windowSeconds: number;
}

/** What was measured of a version in a window, with what statistics need. */
export interface MeasuredVersion {
  readonly performance: VersionPerformance;
  readonly latency: LatencySketch;
}

export interface PerformanceReadModel {
  /** What was measured of each version, in their order; of one that had no requests, nothing. */
  measured(query: PerformanceQuery): Promise<MeasuredVersion[]>;
}

/** Windows of up to so many milliseconds are read at a span; longer ones at the next coarser one. */
const LONGEST_MS = { "10s": 3_600_000, "1m": 86_400_000 };

export function createPerformanceReadModel({
  database,
  now,
}: {
  database: ControlDatabase;
  now: () => number;
}): PerformanceReadModel {
  return {
    async measured({ tenant, module, versions, windowSeconds }) {
      const to = now();
      const span = spanOf(windowSeconds * 1_000);
      const from = startOf(to - windowSeconds * 1_000, span);
      const whose = tenant === undefined ? sql`r.tenant is null` : sql`(r.tenant = ${tenant} or r.tenant is null)`;
      const which = sql`r.module = ${module} and r.version = any(${versions}::text[]) and ${whose}
        and r.at >= ${new Date(from)} and r.at < ${new Date(to)}`;
      const { rows } = await summedRows(rowsOf(span, which), sql`${new Date(from)}::timestamptz`).execute(database.db);
      return versions.map((version) => {
        const own = rows.filter((row) => row.version === version);
        const requests = own.find((row) => row.tenant === (tenant ?? null));
        // Processes are shared by all tenants.
        const usage = own.find((row) => row.tenant === null);
        const latency = sketchOf(requests);
        const performance: VersionPerformance = {
          tenant: tenant ?? null,
          module,
          version,
          window: {
            from: new Date(from).toISOString(),
            to: new Date(to).toISOString(),
            seconds: (to - from) / 1_000,
            resolution: span,
          },
          ...requestFacts(requests, (to - from) / 1_000),
          responseTime: responseTimeOf(latency, requests?.latency_sum ?? 0),
          cpuUsage: usage?.cpu_ms == null || !usage.observed_ms ? null : usage.cpu_ms / usage.observed_ms,
          memoryBytes: usage?.memory_bytes ?? null,
        };
        return { performance, latency };
      });
    },
  };
}

function spanOf(windowMs: number): Span {
  if (windowMs <= LONGEST_MS["10s"]) return "10s";
  return windowMs <= LONGEST_MS["1m"] ? "1m" : "1h";
}

/**
 * The rows of a window at a span. What is marked is not summed up yet, or not all of it: instead of the coarser row of
 * that time there are the finer ones. One statement sees marks and rows as they were at one moment.
 */
function rowsOf(span: Span, which: RawBuilder<unknown>): RawBuilder<unknown> {
  const fine = sql`select r.* from measurements_10s r where ${which}`;
  if (span === "10s") return fine;
  const finePending = sql`${fine} and ${isMarked("1m")}`;
  const minutes = sql`select r.* from measurements_1m r where ${which} and not ${isMarked("1m")}`;
  if (span === "1m") return sql`${minutes} union all ${finePending}`;
  return sql`
    select r.* from measurements_1h r where ${which} and not ${isMarked("1h")}
    union all ${minutes} and ${isMarked("1h")}
    union all ${finePending}`;
}

function isMarked(span: "1m" | "1h"): RawBuilder<boolean> {
  const seconds = SPAN_MS[span] / 1_000;
  return sql<boolean>`exists (
    select from measurement_rollups m where m.span = ${span} and m.module = r.module
      and m.at = date_bin(make_interval(secs => ${seconds}), r.at, timestamptz 'epoch'))`;
}

function sketchOf(row: SummedRow | undefined): LatencySketch {
  return new Map(row?.latency_buckets.map((bucket, index) => [bucket, Number(row.latency_counts[index])]));
}

function requestFacts(
  row: SummedRow | undefined,
  seconds: number,
): Pick<VersionPerformance, "requests" | "requestsPerSecond" | "errors" | "errorRate" | "inFlight" | "bytes"> {
  const requests = row?.requests ?? 0;
  const errors: RequestErrors = {
    client: row?.client_errors ?? 0,
    server: row?.server_errors ?? 0,
    unreachable: row?.unreachable ?? 0,
    timeout: row?.timeouts ?? 0,
    broken: row?.broken ?? 0,
    clientGone: row?.clients_gone ?? 0,
    cut: row?.cut ?? 0,
  };
  return {
    requests,
    requestsPerSecond: requests / seconds,
    errors,
    errorRate: requests === 0 ? null : failedRequests(errors) / requests,
    inFlight: row?.in_flight ?? 0,
    bytes: { received: row?.bytes_received ?? 0, sent: row?.bytes_sent ?? 0 },
  };
}

function responseTimeOf(sketch: LatencySketch, sum: number): VersionPerformance["responseTime"] {
  const samples = sketchSize(sketch);
  const quantile = (q: number): number | null => latencyQuantile(sketch, q) ?? null;
  return {
    samples,
    mean: samples === 0 ? null : sum / samples,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p95: quantile(0.95),
    p99: quantile(0.99),
  };
}
