import { expect, test } from "vitest";
import type { VersionPerformance } from "@aibos/contract";
import { latencyQuantile, sketchLatencies } from "@aibos/domain";
import { compareMeasured } from "./compare-measured.ts";
import type { MeasuredVersion } from "./performance-read-model.ts";

function measured(version: string, latencies: readonly number[], failed: number): MeasuredVersion {
  const latency = sketchLatencies(latencies);
  const quantile = (q: number): number | null => latencyQuantile(latency, q) ?? null;
  const performance: VersionPerformance = {
    tenant: "acme",
    module: "notes",
    version,
    window: { from: "", to: "", seconds: 60, resolution: "10s" },
    requests: latencies.length,
    requestsPerSecond: 1,
    errors: { client: 9, server: failed, unreachable: 0, timeout: 0, broken: 0, clientGone: 9, cut: 9 },
    errorRate: latencies.length === 0 ? null : failed / latencies.length,
    responseTime: {
      samples: latencies.length,
      mean: null,
      p50: quantile(0.5),
      p90: quantile(0.9),
      p95: quantile(0.95),
      p99: quantile(0.99),
    },
    inFlight: 0,
    bytes: { received: 0, sent: 0 },
    cpuUsage: null,
    memoryBytes: null,
  };
  return { performance, latency };
}

/** Most take 10 to 20 ms, and one of ten as long as is said. */
function spread(count: number, slowest: number): number[] {
  return Array.from({ length: count }, (_, index) => (index % 10 === 0 ? slowest : 10 + (index % 11)));
}

function meanings(a: MeasuredVersion, b: MeasuredVersion): unknown {
  const { differences } = compareMeasured(a, b);
  return Object.fromEntries(differences.map(({ measure, meaning }) => [measure, meaning]));
}

test("a version that is slower in its slowest requests alone is told from one that is not", () => {
  const [a, b] = [measured("1.0.0", spread(5_000, 40), 50), measured("2.0.0", spread(5_000, 400), 50)];
  expect(meanings(a, b)).toMatchObject({ errorRate: "unclear", p50: "unclear", p95: "higher" });
  expect(meanings(b, a)).toMatchObject({ errorRate: "unclear", p50: "unclear", p95: "lower" });
  const p95 = compareMeasured(a, b).differences.find(({ measure }) => measure === "p95");
  expect(p95?.difference).toBeGreaterThan(350);
  expect(p95?.low).toBeGreaterThan(0);
  expect(p95?.low).toBeLessThan(360);
});

test("a version that fails more often is told, with a difference within its interval", () => {
  const [a, b] = [measured("1.0.0", spread(5_000, 40), 50), measured("2.0.0", spread(5_000, 40), 300)];
  const [rate] = compareMeasured(a, b).differences;
  expect(rate).toMatchObject({ measure: "errorRate", a: 0.01, b: 0.06, meaning: "higher" });
  expect(rate?.difference).toBeCloseTo(0.05);
  expect(rate?.low).toBeGreaterThan(0);
  expect(rate?.high).toBeGreaterThan(0.05);
});

test("of few requests nothing is said, and of none not even a difference", () => {
  const [a, b] = [measured("1.0.0", [10, 20], 0), measured("2.0.0", [15, 500], 1)];
  expect(new Set(Object.values(meanings(a, b) as object))).toEqual(new Set(["unclear"]));
  const { differences } = compareMeasured(a, measured("2.0.0", [], 0));
  for (const { difference, low, high, b: none, meaning } of differences) {
    expect([difference, low, high, none, meaning]).toEqual([null, null, null, null, "unclear"]);
  }
});
