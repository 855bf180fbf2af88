import type { ModuleId } from "../identifiers/module-id.ts";
import { compareVersions, type Version } from "../versions/version.ts";
import { satisfiesRange, type VersionRange } from "../versions/version-range.ts";

/** A published version of a module, and what it needs of others. */
export interface ModuleRelease {
  readonly module: ModuleId;
  readonly version: Version;
  readonly dependencies: ReadonlyMap<ModuleId, VersionRange>;
}

/**
 * A set of states that one module of a tenant may be in, as bits: bit 0 for "the tenant does not use it", bit n + 1 for
 * its n-th version, oldest first. There are finitely many versions, so sets are exact where ranges would have to be
 * reasoned about.
 */
export type VersionSet = bigint;

export const ABSENT: VersionSet = 1n;

export interface ModuleUniverse {
  readonly modules: readonly ModuleId[];
  /** Oldest first; none for a module that nobody published. */
  versions(module: ModuleId): readonly Version[];
  /** Every version, and not using it. */
  full(module: ModuleId): VersionSet;
  setOf(module: ModuleId, holds: (version: Version) => boolean): VersionSet;
  inRange(module: ModuleId, range: VersionRange): VersionSet;
  members(module: ModuleId, set: VersionSet): Version[];
  release(module: ModuleId, version: Version): ModuleRelease | undefined;
}

export function createModuleUniverse(releases: readonly ModuleRelease[]): ModuleUniverse {
  const byModule = new Map<ModuleId, ModuleRelease[]>();
  for (const release of releases) {
    byModule.set(release.module, [...(byModule.get(release.module) ?? []), release]);
  }
  for (const found of byModule.values()) found.sort((a, b) => compareVersions(a.version, b.version));
  const releasesOf = (module: ModuleId): readonly ModuleRelease[] => byModule.get(module) ?? [];
  const versions = (module: ModuleId): readonly Version[] => releasesOf(module).map(({ version }) => version);
  const setOf = (module: ModuleId, holds: (version: Version) => boolean): VersionSet =>
    versions(module).reduce((set, version, index) => (holds(version) ? set | (2n << BigInt(index)) : set), 0n);
  return {
    modules: [...byModule.keys()].sort(),
    versions,
    full: (module) => (2n << BigInt(releasesOf(module).length)) - 1n,
    setOf,
    inRange: (module, range) => setOf(module, (version) => satisfiesRange(version, range)),
    members: (module, set) => versions(module).filter((_, index) => (set & (2n << BigInt(index))) !== 0n),
    release: (module, version) => releasesOf(module).find((one) => one.version === version),
  };
}

export function isSubset(a: VersionSet, b: VersionSet): boolean {
  return (a & b) === a;
}
