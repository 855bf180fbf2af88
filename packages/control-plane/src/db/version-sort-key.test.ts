import { array, assert, constantFrom, nat, oneof, property, stringMatching, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { compareVersions, isVersion, parseVersion, type Version } from "@aibos/domain";
import { versionSortKey } from "./version-sort-key.ts";

/** The order of PostgreSQL's collation "C". */
function compareBytes(a: Version, b: Version): number {
  return Buffer.compare(Buffer.from(versionSortKey(a)), Buffer.from(versionSortKey(b)));
}

// Few different values, so that versions meet that differ in one place only.
const number = oneof(nat(3), constantFrom(9, 10, 99, 100, 2 ** 31, Number.MAX_SAFE_INTEGER));
const part = oneof(
  nat(12).map(String),
  constantFrom("rc", "rc1", "rc-1", "r", "-", "--", "0a", "alpha", "beta", "RC", "Z", "a", "123456789012345", "9a"),
  stringMatching(/^[0-9A-Za-z-]{1,4}$/),
);
const version = tuple(number, number, number, array(part, { maxLength: 3 }))
  .map(([major, minor, patch, parts]) => `${major}.${minor}.${patch}${parts.length > 0 ? `-${parts.join(".")}` : ""}`)
  .filter(isVersion);

describe("versionSortKey", () => {
  test("orders any two versions as semver does", () => {
    assert(
      property(version, version, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(compareVersions(a, b)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("orders the example of the semver specification", () => {
    const ordered = [
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "1.0.1-0",
      "1.2.0",
      "1.10.0",
      "10.0.0",
    ].map(parseVersion);
    expect(ordered.toReversed().sort(compareBytes)).toEqual(ordered);
  });
});
