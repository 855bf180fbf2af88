import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { latencyQuantile, parseModuleId, parseTenantId, parseVersion, sketchLatencies } from "@aibos/domain";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { createMeasurementStore, type MeasurementStore } from "./measurement-store.ts";
import { createMeasurementPartitions, type MeasurementPartitions } from "./partitions.ts";
import { createPerformanceReadModel } from "./performance-read-model.ts";
import { rollUp } from "./roll-up.ts";
import { MEASUREMENT_KEEP } from "./spans.ts";
import { someBatch, type SomeRow } from "./testing/some-batch.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Twenty past nine. */
const START = Date.parse("2027-01-31T09:20:00Z");

let control: TestControl;
let partitions: MeasurementPartitions;
let store: MeasurementStore;
let time = START;
const now = (): number => time;
beforeAll(async () => {
  control = await createTestControl();
  partitions = createMeasurementPartitions(control.database);
  store = createMeasurementStore({ database: control.database, partitions, keep: MEASUREMENT_KEEP, now });
});
afterAll(() => control[Symbol.asyncDispose]());
beforeEach(async () => {
  time = START;
  const tables = [
    "measurement_batches",
    "measurement_rollups",
    "measurements_10s",
    "measurements_1m",
    "measurements_1h",
  ];
  await control.database.pool.query(`truncate ${tables.join(", ")}`);
});

const roll = (): Promise<number> => rollUp({ database: control.database, partitions, now });

async function count(table: string): Promise<number> {
  const { rows } = await control.database.pool.query<{ count: number }>(`select count(*) from ${table}`);
  return rows[0]?.count ?? Number.NaN;
}

async function performanceOf(windowMs: number, tenant: string | null = "acme", version = "1.0.0") {
  const [measured] = await createPerformanceReadModel({ database: control.database, now }).measured({
    tenant: tenant === null ? undefined : parseTenantId(tenant),
    module: parseModuleId("notes"),
    versions: [parseVersion(version)],
    windowSeconds: windowMs / 1_000,
  });
  if (measured === undefined) throw new Error("One version was asked for, and none answered.");
  return measured.performance;
}

describe("a batch", () => {
  test("counts once, however often and at once it is sent", async () => {
    const batch = someBatch([{ at: START, latencies: [1, 2, 3] }]);
    const results = await Promise.all(Array.from({ length: 8 }, () => store.apply(batch)));
    expect(results.sort()).toEqual(["applied", ...Array.from({ length: 7 }, () => "known")]);
    expect(await store.apply(batch)).toBe("known");
    time += 1;
    expect((await performanceOf(MINUTE)).requests).toBe(3);
  });

  test("is told from others by its number and its source", async () => {
    const source = randomUUID();
    for (const of of [{ source }, { source, number: 2 }, {}]) {
      expect(await store.apply(someBatch([{ at: START, latencies: [1] }], of))).toBe("applied");
    }
    time += 1;
    expect((await performanceOf(MINUTE)).requests).toBe(3);
  });

  test("of a clock that is ahead counts now, and one that is older than anything kept does not count", async () => {
    await store.apply(someBatch([{ at: START + DAY, latencies: [1] }]));
    await store.apply(someBatch([{ at: START - 500 * DAY, latencies: [1] }]));
    time += 1;
    expect((await performanceOf(MINUTE)).requests).toBe(1);
    expect(await count("measurements_10s")).toBe(1);
  });

  test("that comes late counts in the finest rows that are still kept of its time", async () => {
    for (const age of [5 * HOUR, 7 * HOUR, 13 * DAY, 15 * DAY, 300 * DAY]) {
      await store.apply(someBatch([{ at: START - age, latencies: [1] }]));
    }
    expect([await count("measurements_10s"), await count("measurements_1m"), await count("measurements_1h")]).toEqual([
      1, 2, 2,
    ]);
    expect((await performanceOf(390 * DAY)).requests).toBe(5);
    await roll();
    expect((await performanceOf(390 * DAY)).requests).toBe(5);
    expect((await performanceOf(20 * HOUR)).requests).toBe(2);
  });
});

describe("what was measured of a version", () => {
  test("has counts, rates, quantiles and sample sizes, for a tenant or for all", async () => {
    const latencies = Array.from({ length: 100 }, (_, index) => index + 1);
    await store.apply(
      someBatch([
        {
          at: START,
          latencies,
          errors: { client: 7, server: 2, timeout: 1, clientGone: 3 },
          requests: 103,
          inFlight: 4,
        },
        { at: START, tenant: null, latencies: [...latencies, 5], inFlight: 6 },
        { at: START, tenant: "globex", latencies: [5] },
        { at: START, version: "2.0.0", latencies: [9] },
      ]),
    );
    time += 10_000;
    const found = await performanceOf(20_000);
    expect(found).toMatchObject({
      tenant: "acme",
      window: { from: "2027-01-31T09:19:50.000Z", to: "2027-01-31T09:20:10.000Z", seconds: 20, resolution: "10s" },
      requests: 103,
      requestsPerSecond: 5.15,
      errors: { client: 7, server: 2, unreachable: 0, timeout: 1, broken: 0, clientGone: 3, cut: 0 },
      errorRate: 3 / 103,
      responseTime: { samples: 100, mean: 50.5 },
      inFlight: 4,
      bytes: { received: 10, sent: 100 },
      cpuUsage: null,
      memoryBytes: null,
    });
    for (const [name, exact] of [
      ["p50", 50],
      ["p90", 90],
      ["p95", 95],
      ["p99", 99],
    ] as const) {
      expect(Math.abs((found.responseTime[name] ?? 0) - exact) / exact).toBeLessThanOrEqual(0.0101);
    }
    expect(await performanceOf(20_000, null)).toMatchObject({ tenant: null, requests: 101, inFlight: 6 });
    expect(await performanceOf(20_000, "initech")).toMatchObject({
      requests: 0,
      errorRate: null,
      responseTime: { samples: 0, mean: null, p50: null, p99: null },
    });
  });

  test("has under way what all gateways had at once, and the most of several moments", async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    await store.apply(
      someBatch(
        [
          { at: START, inFlight: 3 },
          { at: START, inFlight: 2 },
        ],
        { source: a },
      ),
    );
    await store.apply(
      someBatch(
        [
          { at: START, inFlight: 4 },
          { at: START - 10_000, inFlight: 5 },
        ],
        { source: b },
      ),
    );
    time += 1;
    expect((await performanceOf(MINUTE)).inFlight).toBe(7);
    time += 2 * MINUTE;
    await roll();
    expect((await performanceOf(2 * HOUR)).inFlight).toBe(7);
  });

  test("has what its processes used, which all tenants share", async () => {
    const [module, version] = [parseModuleId("notes"), parseVersion("1.0.0")];
    await store.addUsage([{ module, version, cpuMs: 2_000, observedMs: 10_000, memoryBytes: 50_000_000 }]);
    time += 10_000;
    await store.addUsage([{ module, version, cpuMs: 3_000, observedMs: 10_000, memoryBytes: 40_000_000 }]);
    time += 1;
    for (const tenant of ["acme", null]) {
      expect(await performanceOf(MINUTE, tenant)).toMatchObject({
        cpuUsage: 0.25,
        memoryBytes: 50_000_000,
        requests: 0,
      });
    }
  });
});

describe("summing up", () => {
  test("leaves every answer as it was, whatever came when, and however often it is done", async () => {
    const row = fc.record({
      at: fc.integer({ min: START - 5 * HOUR, max: START + HOUR }),
      tenant: fc.constantFrom("acme", "globex", null),
      latencies: fc.array(fc.double({ min: 0.1, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 5 }),
      inFlight: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
        async (batches) => {
          const tables = "measurement_batches, measurement_rollups, measurements_10s, measurements_1m, measurements_1h";
          await control.database.pool.query(`truncate ${tables}`);
          const all: SomeRow[] = [];
          for (const rows of batches) {
            time = START + HOUR;
            await store.apply(someBatch(rows));
            all.push(...rows);
            time = START + HOUR + 3 * MINUTE;
            // Hours that are over are summed up, and those that are not are read from minutes.
            await roll();
          }
          for (const windowMs of [12 * HOUR, 3 * DAY]) {
            const latencies = all.flatMap((one) => (one.tenant === "acme" ? (one.latencies ?? []) : []));
            const found = await performanceOf(windowMs);
            expect(found.requests).toBe(latencies.length);
            const sketch = sketchLatencies(latencies);
            for (const q of [0.5, 0.9, 0.95, 0.99] as const) {
              expect(found.responseTime[`p${q * 100}` as "p50"]).toBe(latencyQuantile(sketch, q) ?? null);
            }
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  test("makes one row of a minute and one of an hour, for each tenant and version", async () => {
    const rows = Array.from({ length: 360 }, (_, index) => ({ at: START - HOUR + index * 10_000, latencies: [index] }));
    await store.apply(someBatch(rows));
    await store.apply(someBatch(rows.map((one) => ({ ...one, tenant: null }))));
    time += HOUR;
    await roll();
    expect([await count("measurements_10s"), await count("measurements_1m"), await count("measurements_1h")]).toEqual([
      720, 120, 4,
    ]);
    expect(await count("measurement_rollups")).toBe(0);
    expect(await roll()).toBe(0);
  });

  test("by several at once counts nothing twice, while more comes in", async () => {
    const rows = Array.from({ length: 300 }, (_, index) => ({ at: START - HOUR + index * 10_000, latencies: [index] }));
    await store.apply(someBatch(rows));
    time += 2 * HOUR;
    const late = rows.map((row) => store.apply(someBatch([row])));
    await Promise.all([roll(), roll(), ...late, roll()]);
    while ((await roll()) > 0);
    expect(await count("measurement_rollups")).toBe(0);
    expect((await performanceOf(5 * HOUR)).requests).toBe(600);
    expect((await performanceOf(2 * DAY)).requests).toBe(600);
  });
});

describe("partitions", () => {
  test("go when their rows are older than they are kept, and only what is summed up", async () => {
    await store.apply(someBatch([{ at: START, latencies: [1, 2] }]));
    time += 9 * HOUR;
    await partitions.dropOld(time, MEASUREMENT_KEEP);
    expect(await count("measurements_10s")).toBe(1);
    await roll();
    await partitions.dropOld(time, MEASUREMENT_KEEP);
    expect(await count("measurements_10s")).toBe(0);
    expect((await performanceOf(20 * HOUR)).requests).toBe(2);
    time += 20 * DAY;
    await roll();
    await partitions.dropOld(time, MEASUREMENT_KEEP);
    expect(await count("measurements_1m")).toBe(0);
    expect((await performanceOf(30 * DAY)).requests).toBe(2);
    // Made anew when it is needed again.
    await store.apply(someBatch([{ at: time, latencies: [3] }]));
    expect(await count("measurements_10s")).toBe(1);
  });
});
