import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions, isVersion, parseVersion, type Version } from "./version.ts";

const part = fc.nat(30);
const prerelease = fc.constantFrom("", "-alpha", "-alpha.1", "-alpha.beta", "-rc.1", "-rc.2", "-rc.11", "-0", "-x-y-z");
const versions = fc
  .tuple(part, part, part, prerelease)
  .map(([major, minor, patch, tag]) => parseVersion(`${major}.${minor}.${patch}${tag}`));

describe("parseVersion", () => {
  it.each(["0.0.0", "1.5.0", "2.0.0-rc.1", "1.0.0--", "999999.0.1-x-y-z.0"])("takes %s as it is", (text) => {
    expect(parseVersion(text)).toBe(text);
  });

  it.each([
    ["a leading v", "v1.5.0"],
    ["a leading =", "=1.5.0"],
    ["blanks before", " 1.5.0"],
    ["a line break after", "1.5.0\n"],
    ["build metadata, of which many are equal", "1.5.0+7"],
    ["a leading zero", "1.05.0"],
    ["a leading zero in the prerelease", "1.5.0-01"],
    ["two parts", "1.5"],
    ["four parts", "1.5.0.0"],
    ["a range", "1.x"],
    ["a negative part", "1.-5.0"],
    ["a number that floats can't hold", "1.0.9007199254740992"],
    ["digits of another script", "١.٠.٠"],
    ["an empty prerelease", "1.0.0-"],
    ["nothing", ""],
    ["a path", "1.0.0/../../etc"],
    ["a huge text", "1".repeat(100_000)],
  ])("refuses %s", (_, text) => {
    expect(isVersion(text)).toBe(false);
    expect(() => parseVersion(text)).toThrow(
      expect.objectContaining({ code: "AIBOS_INVALID_IDENTIFIER", kind: "version", value: text }),
    );
  });

  it("says what is wrong and how to write it", () => {
    expect(() => parseVersion("v1")).toThrow(
      '"v1" is not a valid version identifier. Write a semantic version such as "1.5.0" or "2.0.0-rc.1": ' +
        'no leading "v", no "+build".',
    );
  });
});

describe("compareVersions", () => {
  it("orders as semver 2.0 says in its own example", () => {
    const ordered = [
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "2.0.0",
      "2.1.0",
      "2.1.1",
      "2.10.0",
    ].map(parseVersion);
    expect(ordered.toReversed().toSorted(compareVersions)).toEqual(ordered);
  });

  it("is a total order in which only the same text is equal", () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        expect(compareVersions(a, b) === 0).toBe(a === b);
        const [low, middle, high] = [a, b, c].toSorted(compareVersions) as [Version, Version, Version];
        expect([compareVersions(low, middle) <= 0, compareVersions(middle, high) <= 0]).toEqual([true, true]);
        expect(compareVersions(low, high)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
