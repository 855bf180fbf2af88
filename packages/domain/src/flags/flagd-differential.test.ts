import { expect, test } from "vitest";
import { compareWithFlagd } from "./testing/compare-with-flagd.ts";

// The long form, 100,000 definitions: `npm run test:flags`.
test("random definitions evaluate as in flagd's own evaluator", { timeout: 60_000 }, () => {
  const { differences, reasons } = compareWithFlagd(1, 600);
  expect(differences.slice(0, 3)).toEqual([]);
  // A generator that only made errors would prove nothing.
  for (const reason of ["TARGETING_MATCH", "DEFAULT", "ERROR", "DISABLED", "STATIC"]) {
    expect(reasons.get(reason) ?? 0).toBeGreaterThan(20);
  }
  expect(reasons.get("TARGETING_MATCH") ?? 0).toBeGreaterThan(1_000);
});
