import { compareVersions, parseVersion, type Version } from "../versions/version.ts";
import { InvalidTrafficSplitError } from "./invalid-traffic-split-error.ts";

/** Users are divided into so many equal parts: the finest share is a hundredth of a percent. */
export const SLOTS = 10_000;
/** A tenant's module can have so many versions in its split. */
const MOST_VERSIONS = 50;

/** A version's share of the slots. */
export interface VersionWeight {
  readonly version: Version;
  /** From 0 to {@link SLOTS}. */
  readonly weight: number;
}

/** Weights that add up to {@link SLOTS}, newest version first. Never empty. */
export type TrafficSplit = readonly [VersionWeight, ...VersionWeight[]];

/**
 * Reads shares in percent by version.
 *
 * @throws InvalidTrafficSplitError when a share is negative, finer than a hundredth, or they do not add up to 100
 * @throws InvalidIdentifierError when a key is not a version
 */
export function parseTrafficSplit(percents: Readonly<Record<string, number>>): TrafficSplit {
  const shares = Object.entries(percents);
  if (shares.length > MOST_VERSIONS) {
    throw new InvalidTrafficSplitError(
      `it names ${shares.length} versions; at most ${MOST_VERSIONS} can share traffic`,
    );
  }
  const weights = shares.map(([key, percent]): VersionWeight => {
    const version = parseVersion(key);
    if (!Number.isFinite(percent) || percent < 0 || percent > 100) {
      throw new InvalidTrafficSplitError(`${version} has ${percent}; a share is from 0 to 100 percent`);
    }
    const weight = Math.round(percent * 100);
    if (Math.abs(weight - percent * 100) > 1e-6) {
      throw new InvalidTrafficSplitError(`${version} has ${percent}; the finest share is 0.01 percent`);
    }
    return { version, weight };
  });
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  if (total !== SLOTS) throw new InvalidTrafficSplitError(`the shares add up to ${total / 100} percent, not to 100`);
  const [first, ...rest] = weights.toSorted((a, b) => compareVersions(b.version, a.version));
  if (first === undefined) throw new InvalidTrafficSplitError("it names no version");
  return [first, ...rest];
}
