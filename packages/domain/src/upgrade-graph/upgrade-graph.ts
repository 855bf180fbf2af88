import semver from "semver";
import type { ModuleId } from "../identifiers/module-id.ts";
import { compareVersions, type Version } from "../versions/version.ts";
import type { VersionRange } from "../versions/version-range.ts";
import { isInside, positionsInRange } from "./positions-in-range.ts";

export type Risk = "low" | "medium" | "high";

/** What a release's manifest says about the way to it. */
export interface UpgradeRelease {
  readonly version: Version;
  /** Versions that can move to it directly; null: none. */
  readonly from: VersionRange | null;
  /** Every upgrade that passes it must stop at it. */
  readonly requiredStop: boolean;
  /** Null: as the version numbers imply. */
  readonly risk: Risk | null;
  readonly blocked: readonly { readonly from: VersionRange; readonly reason: string }[];
}

/** A direct upgrade, by positions in {@link UpgradeGraph.releases}. */
export interface UpgradeEdge {
  readonly from: number;
  readonly to: number;
  readonly risk: number;
}

/** A module's releases, oldest first, and the direct upgrades between them. */
export interface UpgradeGraph {
  readonly module: ModuleId;
  readonly releases: readonly UpgradeRelease[];
  readonly positions: ReadonlyMap<Version, number>;
  /** For each release, the direct upgrades that lead to it and miss no required stop, oldest source first. */
  readonly incoming: readonly (readonly UpgradeEdge[])[];
}

const RISK: Record<Risk, number> = { low: 1, medium: 4, high: 16 };

/**
 * Builds the graph. An upgrade a → b exists when a is older than b, b accepts a and does not block it, and no required
 * stop lies between the two.
 */
export function buildUpgradeGraph(module: ModuleId, releases: readonly UpgradeRelease[]): UpgradeGraph {
  const sorted = releases
    .map((release) => ({ release, parsed: new semver.SemVer(release.version) }))
    .sort((a, b) => a.parsed.compare(b.parsed));
  const parsed = sorted.map((entry) => entry.parsed);
  const incoming: UpgradeEdge[][] = [];
  // The newest required stop before the present release: nothing older than it may jump over it.
  let floor = 0;
  for (const [to, { release }] of sorted.entries()) {
    incoming.push(edgesTo(to, release, parsed, floor));
    if (release.requiredStop) floor = to;
  }
  return {
    module,
    releases: sorted.map((entry) => entry.release),
    positions: new Map(sorted.map(({ release }, position) => [release.version, position])),
    incoming,
  };
}

function edgesTo(
  to: number,
  release: UpgradeRelease,
  versions: readonly semver.SemVer[],
  floor: number,
): UpgradeEdge[] {
  const target = versions[to];
  if (release.from === null || target === undefined) return [];
  const blocked = release.blocked.flatMap((block) => positionsInRange(block.from, versions));
  const edges: UpgradeEdge[] = [];
  for (const { start, end } of positionsInRange(release.from, versions)) {
    for (let from = Math.max(start, floor); from < Math.min(end, to); from += 1) {
      const source = versions[from];
      if (source === undefined || isInside(from, blocked)) continue;
      edges.push({ from, to, risk: RISK[release.risk ?? impliedRisk(source, target)] });
    }
  }
  return edges;
}

function impliedRisk(from: semver.SemVer, to: semver.SemVer): Risk {
  if (from.major !== to.major) return "high";
  return from.minor === to.minor ? "low" : "medium";
}

/** Tells whether an upgrade between two releases jumps over a required stop, and over which. */
export function missedStop(graph: UpgradeGraph, from: Version, to: Version): Version | undefined {
  return graph.releases.find(
    ({ version, requiredStop }) =>
      requiredStop && compareVersions(from, version) < 0 && compareVersions(version, to) < 0,
  )?.version;
}
