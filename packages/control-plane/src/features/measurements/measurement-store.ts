import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { MeasurementBatch, MeasurementRow } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { insertFlagMeasurements } from "./flag-measurements.ts";
import type { MeasurementPartitions } from "./partitions.ts";
import { type MeasurementKeep, type Span, spanKeptAt, startOf } from "./spans.ts";

/** What a version's processes used of the machine. */
export interface UsageRow {
  readonly module: ModuleId;
  readonly version: Version;
  /** How long their CPU worked, all together, within how long they were observed; milliseconds. */
  readonly cpuMs: number;
  readonly observedMs: number;
  readonly memoryBytes: number;
}

export interface MeasurementStore {
  /** Adds a gateway's batch. One that was added before changes nothing. */
  apply(batch: MeasurementBatch): Promise<"applied" | "known">;
  /** Adds what processes used up to now. */
  addUsage(rows: readonly UsageRow[]): Promise<void>;
}

export function createMeasurementStore(options: {
  database: ControlDatabase;
  partitions: MeasurementPartitions;
  keep: MeasurementKeep;
  now: () => number;
}): MeasurementStore {
  const { database, partitions, keep, now } = options;
  const self = randomUUID();

  /** Rows by the span that they are kept at. What is too old is dropped; a clock that is ahead is put right. */
  function sorted(rows: readonly MeasurementRow[]): Map<Span, MeasurementRow[]> {
    const newest = startOf(now(), "10s") / 1_000;
    const bySpan = new Map<Span, MeasurementRow[]>();
    for (const row of rows) {
      if (row.met !== undefined) continue;
      const at = Math.min(row.at, newest);
      const span = spanKeptAt(at * 1_000, now(), keep);
      if (span === undefined) continue;
      const own = bySpan.get(span) ?? [];
      bySpan.set(span, own);
      own.push({ ...row, at: startOf(at * 1_000, span) / 1_000 });
    }
    return bySpan;
  }

  return {
    async apply({ gatewayId, source, number, rows }) {
      const bySpan = sorted(rows);
      for (const [span, own] of bySpan)
        await partitions.ensure(
          span,
          own.map((row) => row.at * 1_000),
        );
      return database.transaction(async ({ db }) => {
        // Whoever sends the same batch meanwhile waits here until this one is committed.
        const entered = await sql`
          insert into measurement_batches (source, number, gateway) values (${source}, ${number}, ${gatewayId})
          on conflict do nothing
        `.execute(db);
        if (entered.numAffectedRows === 0n) return "known";
        for (const [span, own] of bySpan) {
          await markForRollup(db, span, own);
          await insertRequests(db, span, source, own);
        }
        await insertFlagMeasurements(
          db,
          rows.filter(({ met }) => met !== undefined),
          now(),
        );
        return "applied";
      });
    },

    async addUsage(rows) {
      const at = startOf(now(), "10s");
      await partitions.ensure("10s", [at]);
      await database.transaction(async ({ db }) => {
        await markForRollup(
          db,
          "10s",
          rows.map(({ module }) => ({ module, at: at / 1_000 })),
        );
        await sql`
          insert into measurements_10s (at, module, version, source, cpu_ms, observed_ms, memory_bytes)
          select ${new Date(at)}::timestamptz, module, version, ${self}::uuid, cpu_ms, observed_ms, memory_bytes
          from unnest(
            ${rows.map((row) => row.module)}::text[], ${rows.map((row) => row.version)}::text[],
            ${rows.map((row) => row.cpuMs)}::float8[], ${rows.map((row) => row.observedMs)}::float8[],
            ${rows.map((row) => row.memoryBytes)}::int8[]
          ) as u (module, version, cpu_ms, observed_ms, memory_bytes)
        `.execute(db);
      });
    },
  };
}

/**
 * Says which coarser rows must be made anew. The marks are locked until the rows are there: who makes the coarser rows
 * passes over a mark that is in use, and whoever adds rows to a mark that is being taken away makes a new one after it.
 */
async function markForRollup(
  db: Kysely<ControlTables>,
  span: Span,
  rows: readonly Pick<MeasurementRow, "at" | "module">[],
): Promise<void> {
  const coarser: Span[] = span === "10s" ? ["1m", "1h"] : span === "1m" ? ["1h"] : [];
  const marks = new Map<string, { span: Span; at: number; module: string }>();
  for (const { at, module } of rows) {
    for (const to of coarser) {
      const start = startOf(at * 1_000, to);
      marks.set(`${to}/${start}/${module}`, { span: to, at: start, module });
    }
  }
  // In one order, so that two who add to the same marks do not wait for each other.
  const keys = [...marks.keys()].sort();
  const wanted = keys.flatMap((key) => marks.get(key) ?? []);
  const values = sql`unnest(
    ${wanted.map((mark) => mark.span)}::text[], ${wanted.map((mark) => new Date(mark.at).toISOString())}::timestamptz[],
    ${wanted.map((mark) => mark.module)}::text[]
  ) as w (span, at, module)`;
  for (let locked = 0; locked < wanted.length;) {
    await sql`
      insert into measurement_rollups (span, at, module) select span, at, module from ${values} on conflict do nothing
    `.execute(db);
    const { rows: found } = await sql`
      select from measurement_rollups where (span, at, module) in (select span, at, module from ${values}) for key share
    `.execute(db);
    locked = found.length;
  }
}

async function insertRequests(
  db: Kysely<ControlTables>,
  span: Span,
  source: string,
  rows: readonly MeasurementRow[],
): Promise<void> {
  const numbers = (of: (row: MeasurementRow) => number) => sql`${rows.map(of)}::int8[]`;
  const lists = (of: (row: MeasurementRow) => readonly number[]) =>
    sql`${rows.map((row) => `{${of(row).join(",")}}`)}::text[]`;
  await sql`
    insert into ${sql.table(`measurements_${span}`)} (
      at, tenant, module, version, source, requests,
      client_errors, server_errors, unreachable, timeouts, broken, clients_gone, cut,
      latency_buckets, latency_counts, latency_sum, bytes_received, bytes_sent, in_flight
    )
    select to_timestamp(at), tenant, module, version, ${source}::uuid, requests,
      client, server, unreachable, timeout, broken, client_gone, cut,
      buckets::int2[], counts::int8[], latency_sum, received, sent, in_flight
    from unnest(
      ${numbers((row) => row.at)}, ${rows.map((row) => row.tenant)}::text[],
      ${rows.map((row) => row.module)}::text[], ${rows.map((row) => row.version)}::text[],
      ${numbers((row) => row.requests)},
      ${numbers((row) => row.errors.client ?? 0)}, ${numbers((row) => row.errors.server ?? 0)},
      ${numbers((row) => row.errors.unreachable ?? 0)}, ${numbers((row) => row.errors.timeout ?? 0)},
      ${numbers((row) => row.errors.broken ?? 0)}, ${numbers((row) => row.errors.clientGone ?? 0)},
      ${numbers((row) => row.errors.cut ?? 0)},
      ${lists((row) => row.latency.buckets)}, ${lists((row) => row.latency.counts)},
      ${rows.map((row) => row.latency.sum)}::float8[],
      ${numbers((row) => row.bytesReceived)}, ${numbers((row) => row.bytesSent)}, ${numbers((row) => row.inFlight)}
    ) as r (at, tenant, module, version, requests, client, server, unreachable, timeout, broken, client_gone, cut,
            buckets, counts, latency_sum, received, sent, in_flight)
  `.execute(db);
}
