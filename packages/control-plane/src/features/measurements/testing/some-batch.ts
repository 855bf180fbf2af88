import { randomUUID } from "node:crypto";
import { type MeasurementBatch, measurementBatchSchema, type MeasurementRow } from "@aibos/contract";
import { sketchLatencies } from "@aibos/domain";

/** A row as a gateway would send it, from what a test cares about; times in milliseconds since the epoch. */
export interface SomeRow {
  readonly at: number;
  readonly tenant?: string | null;
  readonly module?: string;
  readonly version?: string;
  readonly latencies?: readonly number[];
  readonly requests?: number;
  readonly errors?: MeasurementRow["errors"];
  readonly inFlight?: number;
  readonly met?: MeasurementRow["met"];
}

export function someBatch(
  rows: readonly SomeRow[],
  of: Partial<Pick<MeasurementBatch, "source" | "number">> = {},
): MeasurementBatch {
  return measurementBatchSchema.parse({
    gatewayId: "g1",
    source: randomUUID(),
    number: 1,
    ...of,
    rows: rows.map(
      ({
        at,
        tenant = "acme",
        module = "notes",
        version = "1.0.0",
        latencies = [],
        requests,
        errors = {},
        inFlight = 0,
        met,
      }) => {
        const sketch = sketchLatencies(latencies);
        return {
          at: Math.floor(at / 10_000) * 10,
          tenant,
          module,
          version,
          met,
          requests: requests ?? latencies.length,
          errors,
          latency: {
            buckets: [...sketch.keys()],
            counts: [...sketch.values()],
            sum: latencies.reduce((sum, latency) => sum + latency, 0),
          },
          bytesReceived: 10,
          bytesSent: 100,
          inFlight,
        };
      },
    ),
  });
}
