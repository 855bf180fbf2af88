import semver from "semver";
import { InvalidRangeError } from "./invalid-range-error.ts";
import type { Version } from "./version.ts";

declare const brand: unique symbol;

/** A range of versions in npm's notation, such as ">=1.5.0 <3.0.0", "^1.2.0" or "1.x || 2.0.0". Never blank. */
export type VersionRange = string & { readonly [brand]: "VersionRange" };

/**
 * Prereleases count like every other version: ">=1.5.0" holds 2.0.0-rc.1 (and not 1.5.0-rc.1, which is older than
 * 1.5.0). npm's default would hide them, and a tenant on a prerelease could never leave it.
 */
export const RANGE_OPTIONS = { includePrerelease: true } as const;

/** Tells whether `text` is a range. Blank text, which npm takes for "any", is not: write "*". */
export function isVersionRange(text: string): text is VersionRange {
  return text.trim() !== "" && semver.validRange(text, RANGE_OPTIONS) !== null;
}

/** @throws InvalidRangeError */
export function parseRange(text: string): VersionRange {
  if (!isVersionRange(text)) throw new InvalidRangeError(text);
  return text;
}

/** Tells whether the range holds the version, prereleases included. */
export function satisfiesRange(version: Version, range: VersionRange): boolean {
  return semver.satisfies(version, range, RANGE_OPTIONS);
}
