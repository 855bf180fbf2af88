import type { MeasurementRow } from "@aibos/contract";
import { REQUEST_ERRORS } from "@aibos/domain";

interface Total {
  readonly row: MeasurementRow;
  readonly sketch: Map<number, number>;
}

/**
 * The rows of tenants as they are, and after them one of all tenants for each version. A row of all tenants that is
 * among them holds what its table had no room for, and how much was under way for all of them at once.
 */
export function* withTotals(rows: Iterable<MeasurementRow>): Generator<MeasurementRow> {
  const totals = new Map<string, Total>();
  for (const row of rows) {
    if (row.met !== undefined) {
      // Its requests are in the tenant's row already.
      yield row;
      continue;
    }
    const key = `${row.module}@${row.version}`;
    const total = totals.get(key) ?? emptyTotal(row);
    totals.set(key, total);
    add(total, row);
    if (row.tenant !== null) yield row;
  }
  for (const { row, sketch } of totals.values()) {
    yield { ...row, latency: { ...row.latency, buckets: [...sketch.keys()], counts: [...sketch.values()] } };
  }
}

function emptyTotal({ at, module, version }: MeasurementRow): Total {
  const row: MeasurementRow = {
    at,
    tenant: null,
    module,
    version,
    requests: 0,
    errors: {},
    latency: { buckets: [], counts: [], sum: 0 },
    bytesReceived: 0,
    bytesSent: 0,
    inFlight: 0,
  };
  return { row, sketch: new Map() };
}

function add({ row: total, sketch }: Total, row: MeasurementRow): void {
  total.requests += row.requests;
  total.latency.sum += row.latency.sum;
  total.bytesReceived += row.bytesReceived;
  total.bytesSent += row.bytesSent;
  if (row.tenant === null) total.inFlight = row.inFlight;
  for (const name of REQUEST_ERRORS) {
    const count = row.errors[name];
    if (count !== undefined) total.errors[name] = (total.errors[name] ?? 0) + count;
  }
  for (const [index, bucket] of row.latency.buckets.entries()) {
    sketch.set(bucket, (sketch.get(bucket) ?? 0) + (row.latency.counts[index] ?? 0));
  }
}
