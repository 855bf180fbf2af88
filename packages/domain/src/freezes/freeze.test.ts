import { expect, test } from "vitest";
import { freezeAt, readMoment, thawsAt } from "./freeze.ts";

const freeze = (from: number, to: number) => ({ from, to, reason: `${from} to ${to}` });

test("a freeze is on from its first moment up to its last, which is excluded; of several the longest counts", () => {
  const freezes = [freeze(10, 20), freeze(15, 40), freeze(12, 18)];
  expect([9, 10, 14, 15, 39, 40].map((at) => freezeAt(freezes, at)?.to)).toEqual([
    undefined,
    20,
    20,
    40,
    40,
    undefined,
  ]);
});

test("freezes that follow on one another thaw together, those after a gap do not", () => {
  const freezes = [freeze(10, 20), freeze(20, 30), freeze(25, 35), freeze(36, 50)];
  expect([5, 10, 29, 35, 36].map((at) => thawsAt(freezes, at))).toEqual([5, 35, 35, 35, 50]);
});

test.each([
  ["2027-12-20T18:00", "Europe/Vienna", "2027-12-20T17:00:00.000Z"],
  ["2027-07-20T18:00", "Europe/Vienna", "2027-07-20T16:00:00.000Z"],
  ["2027-12-20T18:00:00Z", "Europe/Vienna", "2027-12-20T18:00:00.000Z"],
  ["2027-12-20T18:00:00-05:00", "UTC", "2027-12-20T23:00:00.000Z"],
  // Clocks go forward at 02:00, and back at 03:00.
  ["2027-03-28T02:30", "Europe/Vienna", "2027-03-28T01:30:00.000Z"],
  ["2027-10-31T02:30", "Europe/Vienna", "2027-10-31T00:30:00.000Z"],
])("%s in %s is %s", (text, timeZone, expected) => {
  expect(new Date(readMoment(text, timeZone) ?? 0).toISOString()).toBe(expected);
});

test("what is no time is none", () => {
  for (const text of ["", "tomorrow", "2027-13-01T00:00", "2027-01-01T25:00Z"]) {
    expect(readMoment(text, "UTC")).toBeUndefined();
  }
});
