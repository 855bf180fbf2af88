import fc from "fast-check";
import semver from "semver";
import { describe, expect, it } from "vitest";
import { parseRange, satisfiesRange } from "../versions/version-range.ts";
import { parseVersion } from "../versions/version.ts";
import { isInside, positionsInRange } from "./positions-in-range.ts";

const part = fc.nat(2);
const full = fc
  .tuple(part, part, part, fc.constantFrom("", "", "-0", "-rc.1", "-rc.2"))
  .map(([major, minor, patch, tag]) => `${major}.${minor}.${patch}${tag}`);
const partial = fc.oneof(
  fc.tuple(part, part).map((parts) => parts.join(".")),
  part.map(String),
  fc.constantFrom("*", "1.x", "x"),
);
const signs = fc.constantFrom("", "=", ">", ">=", "<", "<=", "^", "~", ">= ", "< ");
const comparator = fc.tuple(signs, fc.oneof({ weight: 3, arbitrary: full }, partial)).map((pair) => pair.join(""));
const hyphens = fc.tuple(full, fc.oneof(full, partial)).map((ends) => ends.join(" - "));
const alternative = fc.oneof(
  { weight: 4, arbitrary: fc.array(comparator, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(" ")) },
  hyphens,
);
const ranges = fc
  .array(alternative, { minLength: 1, maxLength: 3 })
  .chain((parts) => fc.constantFrom(" || ", "||").map((or) => parseRange(parts.join(or))));

describe("positionsInRange", () => {
  it("are those of exactly the versions that satisfy the range, in intervals that are in order and apart", () => {
    fc.assert(
      fc.property(ranges, fc.uniqueArray(full, { maxLength: 40 }), (range, texts) => {
        const versions = texts.map((text) => new semver.SemVer(text)).sort((a, b) => a.compare(b));
        const intervals = positionsInRange(range, versions);
        const inside = versions.filter((_, position) => isInside(position, intervals)).map(String);
        const satisfying = versions
          .filter((version) => satisfiesRange(parseVersion(version.version), range))
          .map(String);
        expect(inside).toEqual(satisfying);
        expect(intervals.every(({ start, end }) => start < end)).toBe(true);
        expect(intervals.every(({ start }, at) => at === 0 || start > (intervals[at - 1]?.end ?? 0))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});
