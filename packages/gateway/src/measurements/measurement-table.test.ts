import fc from "fast-check";
import { expect, test } from "vitest";
import { type MeasurementRow, measurementRowSchema } from "@aibos/contract";
import { latencyBucket, mergeSketches, REQUEST_ERRORS, sketchLatencies } from "@aibos/domain";
import { type MeasuredRequest, MeasurementTable, type Series } from "./measurement-table.ts";
import { withTotals } from "./with-totals.ts";

const AT = 1_800_000_000;
const series = fc.record({
  tenant: fc.constantFrom("acme", "globex", "initech"),
  module: fc.constantFrom("notes", "crm"),
  version: fc.constantFrom("1.0.0", "2.0.0"),
});
const request = fc.record({
  error: fc.option(fc.constantFrom(...REQUEST_ERRORS), { nil: undefined }),
  latency: fc.option(fc.double({ min: 0, max: 100_000, noNaN: true }), { nil: undefined }),
  received: fc.nat(10_000),
  sent: fc.nat(10_000),
});
const ok: MeasuredRequest = { error: undefined, latency: 20, received: 1, sent: 2 };

function seriesOf(tenant: string, version = "1.0.0"): Series {
  return { tenant, module: "notes", version };
}

function sketchOf({ latency }: MeasurementRow): Map<number, number> {
  return new Map(latency.buckets.map((bucket, index) => [bucket, latency.counts[index] ?? 0]));
}

/** What the rows of some requests add up to, counted in the plainest way. */
function expectedOf(requests: readonly MeasuredRequest[]): unknown {
  const sum = (of: (one: MeasuredRequest) => number): number => requests.reduce((total, one) => total + of(one), 0);
  const counted = REQUEST_ERRORS.map((name) => [name, sum((one) => (one.error === name ? 1 : 0))] as const);
  return {
    requests: requests.length,
    errors: Object.fromEntries(counted.filter(([, count]) => count > 0)),
    sketch: new Map([...sketchLatencies(requests.flatMap((one) => one.latency ?? []))].toSorted(([a], [b]) => a - b)),
    received: sum((one) => one.received),
    sent: sum((one) => one.sent),
  };
}

function factsOf(rows: readonly MeasurementRow[]): unknown {
  const sum = (of: (row: MeasurementRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const counted = REQUEST_ERRORS.map((name) => [name, sum((row) => row.errors[name] ?? 0)] as const);
  return {
    requests: sum((row) => row.requests),
    errors: Object.fromEntries(counted.filter(([, count]) => count > 0)),
    sketch: new Map([...mergeSketches(rows.map(sketchOf))].toSorted(([a], [b]) => a - b)),
    received: sum((row) => row.bytesReceived),
    sent: sum((row) => row.bytesSent),
  };
}

test("a table counts each tenant's requests, and all tenants' together for each version", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(series, request), { maxLength: 300 }), (requests) => {
      const table = new MeasurementTable(AT);
      for (const [of, one] of requests) table.record(of, one);
      const rows = [...withTotals(table.rows())].map((row) => measurementRowSchema.parse(row));
      const groups = Map.groupBy(requests, ([of]) => `${of.tenant}/${of.module}@${of.version}`);
      const totals = Map.groupBy(requests, ([of]) => `null/${of.module}@${of.version}`);
      const expected = new Map([...groups, ...totals]);
      expect(rows.map((row) => `${row.tenant}/${row.module}@${row.version}`).sort()).toEqual(
        [...expected.keys()].sort(),
      );
      for (const row of rows) {
        const own = expected.get(`${row.tenant}/${row.module}@${row.version}`) ?? [];
        expect(factsOf([row])).toEqual(expectedOf(own.map(([, one]) => one)));
        expect(row.latency.sum).toBeCloseTo(
          own.reduce((sum, [, one]) => sum + (one.latency ?? 0), 0),
          1,
        );
      }
    }),
  );
});

test("a table that is full counts further tenants with their version, and loses nothing", () => {
  const table = new MeasurementTable(AT, { series: 2, buckets: 1_000 });
  for (const tenant of ["a", "b", "c", "d", "a"]) table.record(seriesOf(tenant), ok);
  table.record(seriesOf("e", "2.0.0"), ok);
  const rows = [...withTotals(table.rows())];
  expect(rows.map(({ tenant, version, requests }) => [tenant, version, requests])).toEqual([
    ["a", "1.0.0", 2],
    ["b", "1.0.0", 1],
    [null, "1.0.0", 5],
    [null, "2.0.0", 1],
  ]);
});

test("a table without room for another bucket counts a latency with its version", () => {
  const table = new MeasurementTable(AT, { series: 10, buckets: 2 });
  for (const latency of [1, 10, 100, 1]) table.record(seriesOf("a"), { ...ok, latency });
  const [a, total] = [...withTotals(table.rows())];
  expect(a).toMatchObject({ tenant: "a", requests: 4, latency: { counts: [1, 2], sum: 12 } });
  expect(total).toMatchObject({ tenant: null, requests: 4 });
  expect(new Set(total?.latency.buckets)).toEqual(new Set([1, 10, 100].map((latency) => latencyBucket(latency))));
});

test("what is under way is the most at once, of all tenants too", () => {
  const table = new MeasurementTable(AT);
  for (const count of [1, 3, 2]) table.underWay(seriesOf("a"), count);
  table.underWay(seriesOf("b"), 2);
  table.underWay({ ...seriesOf("b"), tenant: null }, 4);
  const rows = [...withTotals(table.rows())];
  expect(rows.map(({ tenant, inFlight, requests }) => [tenant, inFlight, requests])).toEqual([
    ["a", 3, 0],
    ["b", 2, 0],
    [null, 4, 0],
  ]);
});
