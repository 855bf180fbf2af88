import { expect, it } from "vitest";
import { bernoulliEvidence } from "./bernoulli-evidence.ts";
import { logGamma } from "./log-gamma.ts";
import { rateInterval } from "./rate-interval.ts";

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

/** The expectation over everything that can be seen in `total` observations. */
function expectation(total: number, truth: number, logValue: (yes: number) => number): number {
  let sum = 0;
  for (let yes = 0; yes <= total; yes += 1) {
    const log = logChoose(total, yes) + yes * Math.log(truth) + (total - yes) * Math.log1p(-truth);
    sum += Math.exp(log + logValue(yes));
  }
  return sum;
}

it.each([
  [40, 0.95],
  [400, 0.5],
  [1_000, 0.99],
])("is worth 1 on average where the hypothesis holds exactly: %i observations at %d", (total, p) => {
  for (const side of ["above", "below"] as const) {
    expect(expectation(total, p, (yes) => bernoulliEvidence(yes, total, p, side))).toBeCloseTo(1, 8);
  }
});

it("is worth less than 1 on average everywhere else in the hypothesis, and more outside", () => {
  const mean = (truth: number, side: "above" | "below"): number =>
    expectation(300, truth, (yes) => bernoulliEvidence(yes, 300, 0.9, side));
  expect(mean(0.93, "below")).toBeLessThan(1);
  expect(mean(0.5, "above")).toBeLessThan(1);
  expect(mean(0.85, "below")).toBeGreaterThan(5);
  expect(mean(0.95, "above")).toBeGreaterThan(5);
});

it("does not grow from numbers that are as they should be, and grows without end from others", () => {
  expect(bernoulliEvidence(95_000, 100_000, 0.95, "below")).toBeLessThan(0);
  expect(bernoulliEvidence(94_000, 100_000, 0.95, "below")).toBeGreaterThan(90);
  expect(bernoulliEvidence(0, 1_000_000, 0.95, "below")).toBeGreaterThan(2_000_000);
  expect(bernoulliEvidence(0, 0, 0.95, "below")).toBeCloseTo(0, 12);
});

it("finds Robbins' interval: the rates p with (n + 1) C(n, k) pᵏ (1 − p)ⁿ⁻ᵏ = α are its ends", () => {
  const { low, high } = rateInterval({ yes: 30, total: 100 }, 0.05);
  for (const p of [low, high]) {
    expect(Math.log(101) + logChoose(100, 30) + 30 * Math.log(p) + 70 * Math.log1p(-p)).toBeCloseTo(Math.log(0.05), 9);
  }
  expect(low).toBeLessThan(0.3);
  expect(high).toBeGreaterThan(0.3);
  expect(rateInterval({ yes: 0, total: 0 }, 0.05)).toEqual({ low: 0, high: 1 });
  expect(rateInterval({ yes: 0, total: 50 }, 0.05).low).toBe(0);
  expect(rateInterval({ yes: 50, total: 50 }, 0.05).high).toBe(1);
});
