import { describe, expect, it } from "vitest";
import { isInWindow, isTimeZone, type TimeWindow } from "./time-window.ts";

const NIGHT: TimeWindow = { from: "22:00", to: "05:00", days: ["fri"], timeZone: "Europe/Berlin" };
const DAY: TimeWindow = { from: "08:00", to: "18:00", days: [], timeZone: "UTC" };
const at = (time: string): number => Date.parse(time);

describe("a time window", () => {
  // 2027-01-29 is a Friday; Berlin is an hour ahead of UTC in winter, two in summer.
  it.each([
    [NIGHT, "2027-01-29T20:59:00Z", false],
    [NIGHT, "2027-01-29T21:00:00Z", true],
    [NIGHT, "2027-01-30T03:59:00Z", true],
    [NIGHT, "2027-01-30T04:00:00Z", false],
    [NIGHT, "2027-01-30T21:30:00Z", false],
    [NIGHT, "2027-01-29T03:00:00Z", false],
    [NIGHT, "2027-07-30T20:00:00Z", true],
    [DAY, "2027-01-31T08:00:00Z", true],
    [DAY, "2027-01-31T18:00:00Z", false],
  ] as const)("%j holds %s: %s", (window, time, expected) => {
    expect(isInWindow(window, at(time))).toBe(expected);
  });

  it("knows time zones by their names", () => {
    expect(["Europe/Berlin", "UTC", "Mars/Olympus", ""].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});
