import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bucketCeiling,
  bucketLatency,
  LAST_LATENCY_BUCKET,
  latencyBucket,
  LATENCY_ERROR,
  LONGEST_LATENCY,
  SHORTEST_LATENCY,
} from "./latency-buckets.ts";
import { latencyQuantile, mergeSketches, sketchLatencies, sketchSize } from "./latency-sketch.ts";

/** Latencies that buckets tell apart, as many short ones as long ones. */
const latency = fc
  .double({ min: Math.log(SHORTEST_LATENCY), max: Math.log(LONGEST_LATENCY), noNaN: true })
  .map((log) => Math.min(Math.max(Math.exp(log), SHORTEST_LATENCY), LONGEST_LATENCY));
const latencies = fc.array(latency, { minLength: 1, maxLength: 300 });
/** What the logarithm and the power of doubles add to the promised error. */
const ROUNDING = 1 + 1e-9;

function relativeError(estimate: number | undefined, exact: number): number {
  return Math.abs((estimate ?? Number.NaN) - exact) / exact;
}

describe("latency buckets", () => {
  it("stand for each latency in them within 1 %", () => {
    fc.assert(
      fc.property(latency, (milliseconds) => {
        const estimate = bucketLatency(latencyBucket(milliseconds));
        expect(relativeError(estimate, milliseconds)).toBeLessThanOrEqual(LATENCY_ERROR * ROUNDING);
      }),
    );
  });

  it("follow each other without a gap: a bucket ends where the next one begins", () => {
    for (let index = 0; index < LAST_LATENCY_BUCKET; index += 1) {
      const ceiling = bucketCeiling(index);
      expect(latencyBucket(ceiling / ROUNDING)).toBe(index);
      expect(latencyBucket(ceiling * ROUNDING)).toBe(index + 1);
    }
  });

  it("are the same ones for good: what is stored was counted by these indexes", () => {
    expect([0, 0.01, 0.0101, 1, 10, 1_000, LONGEST_LATENCY].map((value) => latencyBucket(value))).toEqual([
      0, 0, 1, 231, 346, 576, 1_144,
    ]);
    expect(LAST_LATENCY_BUCKET).toBe(1_144);
  });

  it("take whatever a clock gives, at their ends", () => {
    expect([0, -1, Number.NaN, Number.NEGATIVE_INFINITY].map((value) => latencyBucket(value))).toEqual([0, 0, 0, 0]);
    expect([1e12, Number.POSITIVE_INFINITY].map((value) => latencyBucket(value))).toEqual([1_144, 1_144]);
  });
});

describe("latencyQuantile", () => {
  it("is within 1 % of the latency of that rank", () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const inOrder = values.toSorted((a, b) => a - b);
        const exact = inOrder[Math.floor(q * (values.length - 1))] ?? Number.NaN;
        const estimate = latencyQuantile(sketchLatencies(values), q);
        expect(relativeError(estimate, exact)).toBeLessThanOrEqual(LATENCY_ERROR * ROUNDING);
      }),
    );
  });

  it("never falls as q rises", () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const sketch = sketchLatencies(values);
        const quantiles = [0, 0.5, 0.9, 0.95, 0.99, 1].map((q) => latencyQuantile(sketch, q) ?? Number.NaN);
        expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
      }),
    );
  });

  it("is of what most requests take, however long a few take", () => {
    const sketch = sketchLatencies([...Array.from({ length: 99 }, () => 20), 9_000]);
    expect(latencyQuantile(sketch, 0.5)).toBeCloseTo(20, 0);
    expect(latencyQuantile(sketch, 0.98)).toBeCloseTo(20, 0);
    expect(relativeError(latencyQuantile(sketch, 1), 9_000)).toBeLessThanOrEqual(LATENCY_ERROR);
  });

  it("is not known of no requests", () => {
    expect(latencyQuantile(sketchLatencies([]), 0.5)).toBeUndefined();
  });
});

describe("mergeSketches", () => {
  it("gives exactly the sketch of the whole, however it was divided and in whatever order it is put together", () => {
    fc.assert(
      fc.property(fc.array(latencies, { maxLength: 6 }), (parts) => {
        const sketches = parts.map((part) => sketchLatencies(part));
        const whole = sketchLatencies(parts.flat());
        expect(mergeSketches(sketches)).toEqual(whole);
        expect(mergeSketches(sketches.toReversed())).toEqual(whole);
        expect(sketches.reduce((sum, sketch) => mergeSketches([sum, sketch]), sketchLatencies([]))).toEqual(whole);
        expect(sketchSize(whole)).toBe(parts.flat().length);
      }),
    );
  });

  it("leaves its parts as they were", () => {
    const part = sketchLatencies([1, 2, 3]);
    mergeSketches([part, part]);
    expect(part).toEqual(sketchLatencies([1, 2, 3]));
  });
});
