import { describe, expect, test } from "vitest";
import { growthOf, isGrowing, type Look } from "./growth.ts";

/** Looks every ten seconds; the noise is the same at each run, and between -1 and 1. */
function looksOf(value: (at: number, noise: number) => number, count = 30): Look[] {
  return Array.from({ length: count }, (_, index) => {
    const noise = Math.sin(index * index * 12.9898);
    return { at: index * 10, value: value(index * 10, noise) };
  });
}

describe("growth", () => {
  test("of values on a line is the line's slope, without doubt", () => {
    expect(growthOf(looksOf((at) => 5 + 0.25 * at))).toEqual({ slope: 0.25, low: 0.25, high: 0.25 });
  });

  test("of noise alone is an interval around nothing", () => {
    const { low, high } = growthOf(looksOf((_at, noise) => 1_000 + 100 * noise));
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
  });

  test("is found in noise, and its interval holds it", () => {
    const { low, high } = growthOf(looksOf((at, noise) => at + 50 * noise));
    expect(low).toBeLessThanOrEqual(1);
    expect(high).toBeGreaterThanOrEqual(1);
    expect(low).toBeGreaterThan(0.5);
  });

  test("is not made by a few looks at busy moments", () => {
    const looks = looksOf((at, noise) => (at >= 270 ? 100_000 : 1_000 + noise));
    expect(growthOf(looks).low).toBeLessThanOrEqual(0.01);
  });

  test("can't be told from four looks", () => {
    expect(() => growthOf(looksOf(() => 1, 4))).toThrow(RangeError);
  });
});

describe("what grows", () => {
  test("is what certainly grew by more than is let pass", () => {
    const looks = looksOf((at, noise) => at + noise);
    expect(isGrowing(looks, 200)).toBe(true);
    expect(isGrowing(looks, 300)).toBe(false);
    expect(
      isGrowing(
        looksOf((_at, noise) => 100 * noise),
        0,
      ),
    ).toBe(false);
  });
});
