import { describe, expect, it } from "vitest";
import { bucketCeiling, LAST_LATENCY_BUCKET, latencyBucket } from "../measurements/latency-buckets.ts";
import { sketchLatencies } from "../measurements/latency-sketch.ts";
import { bernoulliEvidence } from "./bernoulli-evidence.ts";
import { cumulate, type CumulativeSketch } from "./cumulative-sketch.ts";
import { quantileEvidence } from "./quantile-evidence.ts";
import { quantileDifferenceInterval, quantileInterval } from "./quantile-interval.ts";
import { drawNormal, seededRandom } from "./testing/seeded-random.ts";

const NONE = { relative: 0, absolute: 0 };

/** Latencies around 100 ms, with some that are slower by a factor. */
function draw(random: () => number, count: number, { factor = 1, share = 1 } = {}): CumulativeSketch {
  return cumulate(sketchLatencies(values(random, count, { factor, share })));
}

function values(random: () => number, count: number, { factor = 1, share = 1 } = {}): number[] {
  return Array.from({ length: count }, () => {
    const value = 100 * Math.exp(0.5 * drawNormal(random));
    return random() < share ? value * factor : value;
  });
}

describe("evidence on quantiles", () => {
  it("grows with a version that is slower in its slowest requests only", () => {
    const random = seededRandom(5);
    const old = draw(random, 20_000);
    const slow = draw(random, 3_000, { factor: 4, share: 0.06 });
    expect(quantileEvidence(old, slow, 0.95, NONE)).toBeGreaterThan(Math.log(1_000));
    expect(quantileEvidence(old, slow, 0.5, NONE)).toBeLessThan(Math.log(100));
  });

  it("does not with one that is as fast or faster, and not within the tolerance", () => {
    const random = seededRandom(6);
    const old = draw(random, 20_000);
    expect(quantileEvidence(old, draw(random, 20_000), 0.95, NONE)).toBeLessThan(0);
    expect(quantileEvidence(old, draw(random, 20_000, { factor: 0.5 }), 0.95, NONE)).toBeLessThan(0);
    const slower = draw(random, 20_000, { factor: 1.2 });
    expect(quantileEvidence(old, slower, 0.95, NONE)).toBeGreaterThan(50);
    expect(quantileEvidence(old, slower, 0.95, { relative: 0.25, absolute: 0 })).toBeLessThan(0);
    expect(quantileEvidence(old, slower, 0.95, { relative: 0, absolute: 60 })).toBeLessThan(0);
  });

  it("is the least over all buckets, however few of them the search looks at", () => {
    const random = seededRandom(7);
    for (const [m, n, factor, absolute] of [
      [30, 2_000, 1.5, 0],
      [2_000, 5, 3, 10],
      [400, 400, 1.1, -10],
      [400, 40, 0.2, 0],
      [1, 1, 10, 0],
    ] as const) {
      const [old, fresh] = [draw(random, m), draw(random, n, { factor })];
      const everywhere = Array.from({ length: LAST_LATENCY_BUCKET + 2 }, (_, index) => {
        const most = bucketCeiling(index) + absolute;
        const reached = most <= 0 ? 0 : fresh.upTo(latencyBucket(most / (1 + 1e-9)));
        return bernoulliEvidence(old.upTo(index - 1), m, 0.9, "above") + bernoulliEvidence(reached, n, 0.9, "below");
      });
      expect(quantileEvidence(old, fresh, 0.9, { relative: 0, absolute })).toBeCloseTo(Math.min(...everywhere), 9);
    }
  });

  it("says nothing without latencies", () => {
    const empty = cumulate(new Map());
    expect(quantileEvidence(empty, draw(seededRandom(1), 100), 0.95, NONE)).toBe(0);
    expect(quantileEvidence(draw(seededRandom(1), 100), empty, 0.95, NONE)).toBe(0);
    expect(quantileInterval(empty, 0.95, 0.05)).toEqual({ low: 0, high: Number.POSITIVE_INFINITY });
    expect(quantileDifferenceInterval(empty, empty, 0.95, 0.05)).toEqual({
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    });
  });

  it("takes latencies at the ends of the scale as they are counted", () => {
    const ends = cumulate(sketchLatencies([0, 0, 1e12, 1e12]));
    expect(Number.isFinite(quantileEvidence(ends, ends, 0.5, NONE))).toBe(true);
    expect(quantileEvidence(ends, ends, 0.5, NONE)).toBeLessThan(1);
  });
});

describe("intervals of quantiles", () => {
  it("hold what is true in nearly all of 100 samples, looked at 10 times each, and get narrow", () => {
    const random = seededRandom(8);
    const q95 = 100 * Math.exp(0.5 * 1.644_853_626_951_472_2);
    let [missed, missedDifference] = [0, 0];
    for (let run = 0; run < 100; run += 1) {
      const [old, fresh]: number[][] = [[], []];
      let [ever, everDifference] = [false, false];
      for (let look = 0; look < 10; look += 1) {
        old?.push(...values(random, 60));
        fresh?.push(...values(random, 30, { factor: 1.5 }));
        const [a, b] = [cumulate(sketchLatencies(old ?? [])), cumulate(sketchLatencies(fresh ?? []))];
        const { low, high } = quantileInterval(a, 0.95, 0.05);
        if (q95 < low || q95 > high) ever = true;
        if (look % 5 === 4) {
          const difference = quantileDifferenceInterval(a, b, 0.95, 0.05);
          if (q95 * 0.5 < difference.low || q95 * 0.5 > difference.high) everDifference = true;
        }
      }
      if (ever) missed += 1;
      if (everDifference) missedDifference += 1;
    }
    expect(missed).toBeLessThanOrEqual(5);
    expect(missedDifference).toBeLessThanOrEqual(5);
    const { low, high } = quantileInterval(draw(random, 50_000), 0.95, 0.05);
    expect(high - low).toBeLessThan(20);
    const narrow = quantileDifferenceInterval(draw(random, 50_000), draw(random, 50_000, { factor: 1.5 }), 0.95, 0.05);
    expect(narrow.high - narrow.low).toBeLessThan(50);
    expect([narrow.low < q95 * 0.5, narrow.high > q95 * 0.5]).toEqual([true, true]);
  });

  it("agree with the evidence: a difference is excluded exactly when it speaks against it", () => {
    const random = seededRandom(9);
    const [old, fresh] = [draw(random, 3_000), draw(random, 1_000, { factor: 2 })];
    const { low } = quantileDifferenceInterval(old, fresh, 0.9, 0.02);
    const needed = Math.log(2 / 0.02);
    expect(quantileEvidence(old, fresh, 0.9, { relative: 0, absolute: low - 0.1 })).toBeGreaterThanOrEqual(needed);
    expect(quantileEvidence(old, fresh, 0.9, { relative: 0, absolute: low + 0.1 })).toBeLessThan(needed);
  });
});
