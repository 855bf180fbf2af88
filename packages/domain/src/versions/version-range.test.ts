import { describe, expect, it } from "vitest";
import { isVersionRange, parseRange, satisfiesRange } from "./version-range.ts";
import { parseVersion } from "./version.ts";

describe("parseRange", () => {
  it.each(["*", "1.x || 2.0.0", ">=1.5.0 <3.0.0", "^1.2.0", "~1.2", "1.0.0 - 1.9.9", "=2.0.0-rc.1"])(
    "takes %s as it is",
    (text) => {
      expect(parseRange(text)).toBe(text);
    },
  );

  it.each([
    ["nothing, which npm takes for any", ""],
    ["blanks", "   "],
    ["a word", "latest"],
    ["a broken comparator", ">>1.0.0"],
    ["a list with commas", ">=1.0.0, <2.0.0"],
    ["a leading zero", ">=01.0.0"],
    ["one wrong part among good ones", "1.x || nonsense || 2.x"],
    ["a huge text", ">".repeat(100_000)],
  ])("refuses %s", (_, text) => {
    expect(isVersionRange(text)).toBe(false);
    expect(() => parseRange(text)).toThrow(expect.objectContaining({ code: "AIBOS_INVALID_RANGE", value: text }));
  });

  it("says what is wrong in one short line, whatever the text", () => {
    expect(() => parseRange("latest")).toThrow(
      '"latest" is not a range of versions. Write one such as ">=1.5.0 <3.0.0", "^1.2.0", "1.x || 2.0.0", or "*" for any.',
    );
    expect(() => parseRange(`\u001B[31m\n${"x".repeat(10_000)}`)).toThrow(/^"\\u001b\[31m\\nx{0,60}…" is not a range/);
  });
});

describe("satisfiesRange", () => {
  it.each([
    [">=1.5.0", "2.0.0-rc.1", true],
    [">=1.5.0", "1.5.0-rc.1", false],
    ["*", "0.0.0-alpha", true],
    ["1.x", "1.0.0-rc.1", true],
    ["1.x", "2.0.0-rc.1", false],
    ["^1.2.0", "2.0.0", false],
    ["^0.2.0", "0.3.0", false],
    ["1.x || >=3.0.0", "2.5.0", false],
    ["1.x || >=3.0.0", "3.0.0", true],
    [">2.0.0 <1.0.0", "1.5.0", false],
  ])("%s and %s: %s", (range, version, expected) => {
    expect(satisfiesRange(parseVersion(version), parseRange(range))).toBe(expected);
  });
});
