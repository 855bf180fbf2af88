import { expect, it } from "vitest";
import { combineEvidence } from "./combined-evidence.ts";

it("is the weighted mean of e-values", () => {
  const parts = [
    { log: Math.log(30), weight: 1 },
    { log: Math.log(2), weight: 2 },
    { log: Math.log(5), weight: 1 },
  ];
  expect(Math.exp(combineEvidence(parts))).toBeCloseTo((30 + 2 * 2 + 5) / 4, 12);
});

it("fails wherever dividing α among the parts would", () => {
  const needed = Math.log(100);
  const alone = [
    { log: needed + Math.log(3), weight: 1 },
    { log: -50, weight: 1 },
    { log: -50, weight: 1 },
  ];
  expect(combineEvidence(alone)).toBeGreaterThanOrEqual(needed - 1e-9);
});

it("takes evidence that no double can hold, and none", () => {
  expect(
    combineEvidence([
      { log: 50_000, weight: 1 },
      { log: 0, weight: 1 },
    ]),
  ).toBeCloseTo(50_000 - Math.LN2, 9);
  expect(combineEvidence([])).toBe(0);
});
