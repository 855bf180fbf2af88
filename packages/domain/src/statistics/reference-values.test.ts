import { describe, expect, it } from "vitest";
import { logIncompleteBeta } from "./incomplete-beta.ts";
import { logGamma } from "./log-gamma.ts";
import { mannWhitney } from "./mann-whitney.ts";
import { normalCdf, normalQuantile } from "./normal-distribution.ts";
import reference from "./testing/reference-values.json" with { type: "json" };

// Made by R with testing/reference-values.R; the samples' sources are named there.

describe("mannWhitney", () => {
  it.each(reference.wilcoxTest)("says of $name what R's wilcox.test(conf.int = TRUE) says", (expected) => {
    const at95 = mannWhitney(expected.x, expected.y, 0.95);
    const at80 = mannWhitney(expected.x, expected.y, 0.8);
    expect(at95.u).toBe(expected.u);
    expect(at95.pValue).toBeCloseTo(expected.pValue, 12);
    expect(at80.pValue).toBe(at95.pValue);
    // Without the exact distribution, R looks for these with a tolerance of 1e-4.
    const digits = at95.method === "exact" ? 12 : 3;
    expect(at95.shift).toBeCloseTo(expected.shift, digits);
    expect(at95.interval.low).toBeCloseTo(expected.interval95[0] ?? Number.NaN, digits);
    expect(at95.interval.high).toBeCloseTo(expected.interval95[1] ?? Number.NaN, digits);
    expect(at80.interval.low).toBeCloseTo(expected.interval80[0] ?? Number.NaN, digits);
    expect(at80.interval.high).toBeCloseTo(expected.interval80[1] ?? Number.NaN, digits);
  });

  it("agrees with the published example on the permeability of membranes: U = 35, P = 0.127 one-sided, shift 0.305", () => {
    const [{ x, y } = { x: [], y: [] }] = reference.wilcoxTest;
    const found = mannWhitney(x, y, 0.95);
    expect([found.u, (found.pValue / 2).toFixed(3), found.shift.toFixed(3)]).toEqual([35, "0.127", "0.305"]);
    expect(found.effect).toBeCloseTo((2 * 35) / 50 - 1, 12);
  });

  it("has an effect from -1 to 1, and is the mirror image when the samples change places", () => {
    expect(mannWhitney([5, 6], [1, 2], 0.95).effect).toBe(1);
    expect(mannWhitney([1, 2], [5, 6], 0.95)).toMatchObject({ effect: -1, shift: -4 });
    expect(mannWhitney([1, 1], [1, 1], 0.95)).toMatchObject({ effect: 0, shift: 0, pValue: 1 });
  });
});

describe("distributions", () => {
  it.each(reference.logIncompleteBeta)("I($x; $a, $b) is R's pbeta, far into the tail", ({ x, a, b, log }) => {
    const found = logIncompleteBeta(x, a, b);
    expect(Math.abs(found - log)).toBeLessThan(1e-9 + 1e-7 * Math.abs(log));
  });

  it.each(reference.logGamma)("log Γ($x) is R's lgamma", ({ x, log }) => {
    expect(Math.abs(logGamma(x) - log)).toBeLessThan(1e-13 * Math.max(1, Math.abs(log)) * 10);
  });

  it.each(reference.normalCdf)("Φ($z) is R's pnorm", ({ z, p }) => {
    expect(Math.abs(normalCdf(z) - p)).toBeLessThan(2e-15 + (z < -5 ? p * 1e-9 : 0));
  });

  it.each(reference.normalCdf.filter(({ z }) => Math.abs(z) < 5.5))("the quantile of $p is $z", ({ z, p }) => {
    expect(normalQuantile(p)).toBeCloseTo(z, 7);
  });
});
