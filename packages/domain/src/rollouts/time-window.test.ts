import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInWindow, isTimeZone, openSpan, type TimeWindow, WEEKDAYS } from "./time-window.ts";

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

  // Clocks go forward on 2027-03-28 (Berlin, 02:00 to 03:00) and 2027-03-14 (New York), back on 2027-10-31 (Berlin,
  // 03:00 to 02:00) and on 2027-04-04 by half an hour (Lord Howe, 02:00 to 01:30). All but the last are Sundays' nights.
  it.each([
    ["22:00", "05:00", "Europe/Berlin", "2027-03-27T12:00Z", "2027-03-27T21:00Z", "2027-03-28T03:00Z"],
    ["22:00", "05:00", "Europe/Berlin", "2027-10-30T12:00Z", "2027-10-30T20:00Z", "2027-10-31T04:00Z"],
    ["02:30", "04:00", "Europe/Berlin", "2027-03-27T12:00Z", "2027-03-28T01:00Z", "2027-03-28T02:00Z"],
    ["02:00", "03:00", "Europe/Berlin", "2027-03-27T12:00Z", "2027-03-29T00:00Z", "2027-03-29T01:00Z"],
    ["02:00", "03:00", "Europe/Berlin", "2027-10-30T12:00Z", "2027-10-31T00:00Z", "2027-10-31T02:00Z"],
    ["02:00", "03:00", "Europe/Berlin", "2027-10-31T01:30Z", "2027-10-31T00:00Z", "2027-10-31T02:00Z"],
    ["01:00", "02:30", "America/New_York", "2027-03-14T05:00Z", "2027-03-14T06:00Z", "2027-03-14T07:00Z"],
    ["01:00", "02:00", "Australia/Lord_Howe", "2027-04-03T12:00Z", "2027-04-03T14:00Z", "2027-04-03T15:30Z"],
    ["00:00", "24:00", "Europe/Berlin", "2027-03-28T12:00Z", "2027-03-27T23:00Z", "2027-03-28T22:00Z"],
  ])("from %s to %s in %s, asked at %s, is open from %s to %s", (from, to, timeZone, now, opens, closes) => {
    const span = openSpan({ from, to, days: [], timeZone }, at(now));
    expect([span?.opens, span?.closes]).toEqual([at(opens), at(closes)]);
  });

  it("skips the days that it is not open on", () => {
    const span = openSpan({ ...NIGHT, days: ["wed"] }, at("2027-01-29T12:00:00Z"));
    expect(span).toEqual({ opens: at("2027-02-03T21:00:00Z"), closes: at("2027-02-04T04:00:00Z") });
    expect(openSpan({ ...NIGHT, to: "22:00" }, at("2027-01-29T12:00:00Z"))).toBeUndefined();
  });

  it("is open at its opening and until its closing, whatever the zone and the time of the year", () => {
    const clock = fc
      .integer({ min: 0, max: 1_439 })
      .map((m) => `${String(Math.floor(m / 60)).padStart(2, "0")}:${String(m % 60).padStart(2, "0")}`);
    const zone = fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC");
    const window = fc.record({ from: clock, to: clock, days: fc.subarray([...WEEKDAYS]), timeZone: zone });
    const time = fc.integer({ min: at("2027-01-01T00:00Z"), max: at("2028-01-01T00:00Z") });
    fc.assert(
      fc.property(window, time, (window, now) => {
        fc.pre(window.from !== window.to);
        const { opens, closes } = openSpan(window, now) ?? { opens: 0, closes: 0 };
        // The next one may begin where this one ends.
        const joins = openSpan(window, closes)?.opens === closes;
        expect([opens, closes - 1, closes].map((at) => isInWindow(window, at))).toEqual([true, true, joins]);
        expect(closes).toBeGreaterThan(now);
      }),
      { numRuns: 300 },
    );
  });
});
