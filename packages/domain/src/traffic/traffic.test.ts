import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseVersion, slotOf } from "./choose-version.ts";
import { parseTrafficSplit, SLOTS } from "./traffic-split.ts";

const shares = fc.integer({ min: 0, max: SLOTS });
const route = "acme/accounting";

describe("parseTrafficSplit", () => {
  it("reads percents into slots, newest version first, whatever the order of writing", () => {
    expect(parseTrafficSplit({ "1.0.0": 79.99, "2.0.0": 5.01, "1.5.0": 15 })).toEqual([
      { version: "2.0.0", weight: 501 },
      { version: "1.5.0", weight: 1_500 },
      { version: "1.0.0", weight: 7_999 },
    ]);
  });

  it("takes every hundredth of a percent, which floats can't hold exactly", () => {
    for (let weight = 0; weight <= SLOTS; weight += 1) {
      const split = parseTrafficSplit({ "2.0.0": weight / 100, "1.0.0": (SLOTS - weight) / 100 });
      expect(split.map((part) => part.weight)).toEqual([weight, SLOTS - weight]);
    }
  });

  it.each<[string, Record<string, number>, string]>([
    ["nothing", {}, "the shares add up to 0 percent, not to 100"],
    ["a sum below 100", { "1.0.0": 99.99 }, "the shares add up to 99.99 percent, not to 100"],
    ["a sum above 100", { "1.0.0": 80, "2.0.0": 30 }, "the shares add up to 110 percent, not to 100"],
    ["a negative share", { "1.0.0": -10, "2.0.0": 110 }, "1.0.0 has -10; a share is from 0 to 100 percent"],
    ["a share above 100", { "1.0.0": 101, "2.0.0": -1 }, "1.0.0 has 101; a share is from 0 to 100 percent"],
    ["no number", { "1.0.0": Number.NaN }, "1.0.0 has NaN; a share is from 0 to 100 percent"],
    ["infinity", { "1.0.0": Number.POSITIVE_INFINITY }, "1.0.0 has Infinity; a share is from 0 to 100 percent"],
    ["a share too fine", { "1.0.0": 0.005, "2.0.0": 99.995 }, "1.0.0 has 0.005; the finest share is 0.01 percent"],
    [
      "51 versions",
      Object.fromEntries([100, ...Array.from({ length: 50 }, () => 0)].map((share, n) => [`1.${n}.0`, share])),
      "it names 51 versions; at most 50 can share traffic",
    ],
  ])("refuses %s", (_, percents, detail) => {
    expect(() => parseTrafficSplit(percents)).toThrow(
      `The traffic split can't be used: ${detail}. Give each version a share in percent, such as 1.0.0=80 1.5.0=20.`,
    );
  });

  it("refuses a key that is no version", () => {
    expect(() => parseTrafficSplit({ latest: 100 })).toThrow('"latest" is not a valid version identifier');
  });
});

describe("chooseVersion", () => {
  it("gives each version exactly its weight of the slots", () => {
    fc.assert(
      fc.property(shares, shares, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const weights = { "3.0.0": low, "2.0.0": high - low, "1.0.0": SLOTS - high };
        const split = parseTrafficSplit(mapValues(weights, (weight) => weight / 100));
        const counted = { "3.0.0": 0, "2.0.0": 0, "1.0.0": 0 };
        for (let slot = 0; slot < SLOTS; slot += 1) counted[chooseVersion(split, slot) as keyof typeof counted] += 1;
        expect(counted).toEqual(weights);
      }),
      { numRuns: 30 },
    );
  });

  it("never takes a user back from the newest version while its share rises", () => {
    fc.assert(
      fc.property(fc.array(shares, { minLength: 2, maxLength: 8 }), fc.array(fc.string()), (steps, keys) => {
        const seen = new Set<string>();
        const wentBack: string[] = [];
        for (const weight of steps.toSorted((a, b) => a - b)) {
          const split = parseTrafficSplit({ "1.0.0": (SLOTS - weight) / 100, "2.0.0": weight / 100 });
          for (const key of keys) {
            const version = chooseVersion(split, slotOf(route, key));
            if (seen.has(key) && version !== "2.0.0") wentBack.push(key);
            if (version === "2.0.0") seen.add(key);
          }
        }
        expect(wentBack).toEqual([]);
      }),
    );
  });

  it("never takes a user to an older version while shares move from older versions to newer ones", () => {
    fc.assert(
      fc.property(shares, shares, shares, shares, fc.nat(SLOTS - 1), (a, b, c, d, slot) => {
        const [w, x, y, z] = [a, b, c, d].toSorted((one, other) => one - other) as [number, number, number, number];
        // The newest grows from w to x, and the newest two together from y to z.
        const before = parseTrafficSplit({ "3.0.0": w / 100, "2.0.0": (y - w) / 100, "1.0.0": (SLOTS - y) / 100 });
        const after = parseTrafficSplit({ "3.0.0": x / 100, "2.0.0": (z - x) / 100, "1.0.0": (SLOTS - z) / 100 });
        expect(chooseVersion(after, slot) >= chooseVersion(before, slot)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([0.01, 1, 5, 20, 50, 99.99])("shows the newest version to about %s percent of 100,000 users", (percent) => {
    const split = parseTrafficSplit({ "1.0.0": Math.round((100 - percent) * 100) / 100, "2.0.0": percent });
    const users = 100_000;
    let newest = 0;
    for (let user = 0; user < users; user += 1) {
      if (chooseVersion(split, slotOf(route, `user-${user}`)) === "2.0.0") newest += 1;
    }
    const share = percent / 100;
    // Five standard deviations of a fair draw.
    const tolerance = 5 * Math.sqrt((share * (1 - share)) / users);
    expect(Math.abs(newest / users - share)).toBeLessThan(tolerance);
  });

  it("draws each tenant's users anew, so that not always the same people go first", () => {
    const other = "globex/accounting";
    const split = parseTrafficSplit({ "1.0.0": 90, "2.0.0": 10 });
    const users = Array.from({ length: 20_000 }, (_, user) => `user-${user}`);
    const both = users.filter((user) =>
      [route, other].every((draw) => chooseVersion(split, slotOf(draw, user)) === "2.0.0"),
    ).length;
    expect(both / users.length).toBeGreaterThan(0.005);
    expect(both / users.length).toBeLessThan(0.015);
  });
});

function mapValues(record: Record<string, number>, map: (value: number) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
