import semver from "semver";
import { RANGE_OPTIONS, type VersionRange } from "../versions/version-range.ts";

/** Positions from `start` to before `end`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/**
 * The positions of the versions that a range holds, as intervals in order that do not touch. Since prereleases count
 * like every other version, each alternative of a range is one run of the sorted versions, and two binary searches find
 * it; no version is tested.
 *
 * @param versions sorted, oldest first
 */
export function positionsInRange(range: VersionRange, versions: readonly semver.SemVer[]): Interval[] {
  const intervals: Interval[] = [];
  const alternatives = alternativesOf(range)
    .map((comparators) => intervalOf(comparators, versions))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
  for (const next of alternatives) {
    const last = intervals.at(-1);
    if (last === undefined || next.start > last.end) intervals.push(next);
    else intervals[intervals.length - 1] = { start: last.start, end: Math.max(last.end, next.end) };
  }
  return intervals;
}

export function isInside(position: number, intervals: readonly Interval[]): boolean {
  return intervals.some(({ start, end }) => start <= position && position < end);
}

interface Comparator {
  readonly operator: string;
  readonly semver: semver.SemVer;
  readonly value: string;
}

const PLAIN = /^(>=|<=|>|<|=|)(\d{1,15}\.\d{1,15}\.\d{1,15}(?:-[0-9A-Za-z.-]+)?)$/;

/**
 * A range's alternatives, each of comparators that must all hold. Those that are written as such already (">=1.5.0
 * <3.0.0"), nearly all, are read here, at a tenth of the cost; other notations are semver's to read.
 */
function alternativesOf(range: VersionRange): readonly (readonly Comparator[])[] {
  const plain: Comparator[][] = [];
  for (const alternative of range.split("||")) {
    const comparators: Comparator[] = [];
    for (const value of alternative.trim().split(/\s+/)) {
      const [, operator, version] = PLAIN.exec(value) ?? [];
      if (operator === undefined || version === undefined) return new semver.Range(range, RANGE_OPTIONS).set;
      comparators.push({ operator, value, semver: new semver.SemVer(version) });
    }
    plain.push(comparators);
  }
  return plain;
}

function intervalOf(comparators: readonly Comparator[], versions: readonly semver.SemVer[]): Interval {
  let start = 0;
  let end = versions.length;
  for (const { operator, value, semver: bound } of comparators) {
    // The comparator that holds any version has no value.
    if (value === "") continue;
    if (operator !== "<" && operator !== "<=") {
      start = Math.max(start, firstFrom(bound, versions, operator === ">"));
    }
    if (operator !== ">" && operator !== ">=") {
      end = Math.min(end, firstFrom(bound, versions, operator !== "<"));
    }
  }
  return { start, end };
}

/** The first position of a version that is not older than the bound, or, where `beyond`, of one that is newer. */
function firstFrom(bound: semver.SemVer, versions: readonly semver.SemVer[], beyond: boolean): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = versions[middle]?.compare(bound) ?? 0;
    if (order < 0 || (beyond && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
