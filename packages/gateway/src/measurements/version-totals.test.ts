import { expect, test } from "vitest";
import { prometheusText, type MeasurementRow } from "@aibos/contract";
import { sketchLatencies } from "@aibos/domain";
import { VersionTotals } from "./version-totals.ts";

function row(changes: Partial<MeasurementRow>, latencies: readonly number[] = []): MeasurementRow {
  const sketch = sketchLatencies(latencies);
  const sum = latencies.reduce((total, latency) => total + latency, 0);
  return {
    at: 1_800_000_000,
    tenant: null,
    // Text that a test gives is as it would be parsed.
    ...({ module: "notes", version: "1.0.0" } as Pick<MeasurementRow, "module" | "version">),
    requests: latencies.length,
    errors: {},
    latency: { buckets: [...sketch.keys()], counts: [...sketch.values()], sum },
    bytesReceived: 1,
    bytesSent: 2,
    inFlight: 0,
    ...changes,
  };
}

test("a version's requests add up, and its histogram holds each in all buckets above it", () => {
  const totals = new VersionTotals();
  totals.add(row({ errors: { server: 1 } }, [4, 40, 400]));
  totals.add(row({ errors: { server: 2, timeout: 1 } }, [4, 60_000]));
  const text = prometheusText(totals.metrics());
  for (const line of [
    'aibos_gateway_requests_total{module="notes",version="1.0.0"} 5',
    'aibos_gateway_request_errors_total{module="notes",version="1.0.0",error="server"} 3',
    'aibos_gateway_request_errors_total{module="notes",version="1.0.0",error="timeout"} 1',
    'aibos_gateway_response_time_seconds_bucket{module="notes",version="1.0.0",le="0.005"} 2',
    'aibos_gateway_response_time_seconds_bucket{module="notes",version="1.0.0",le="0.05"} 3',
    'aibos_gateway_response_time_seconds_bucket{module="notes",version="1.0.0",le="30"} 4',
    'aibos_gateway_response_time_seconds_bucket{module="notes",version="1.0.0",le="+Inf"} 5',
    'aibos_gateway_response_time_seconds_count{module="notes",version="1.0.0"} 5',
    'aibos_gateway_sent_bytes_total{module="notes",version="1.0.0"} 4',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect(text).toMatch(/_seconds_sum\{module="notes",version="1.0.0"\} 60\.448\d*\n/);
});

test("more versions than a scrape should have are counted together, and none is lost", () => {
  const totals = new VersionTotals();
  for (let count = 0; count < 1_000; count += 1) {
    totals.add(row({ version: `1.0.${count}` as MeasurementRow["version"] }, [1]));
  }
  const [requests] = totals.metrics();
  expect(requests?.samples).toHaveLength(301);
  expect(requests?.samples.reduce((sum, { value }) => sum + value, 0)).toBe(1_000);
  expect(requests?.samples.at(-1)).toEqual({ labels: { module: "other", version: "other" }, value: 700 });
});
