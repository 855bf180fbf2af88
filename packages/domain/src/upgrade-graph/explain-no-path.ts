import { satisfiesRange } from "../versions/version-range.ts";
import { compareVersions, type Version } from "../versions/version.ts";
import { missedStop, type UpgradeGraph, type UpgradeRelease } from "./upgrade-graph.ts";

/** At most so many sources of a release are spoken of; the rest is summed up. */
const MOST_REASONS = 3;

/**
 * Tells why no way leads to a release, from the target backwards: what it accepts, and why nothing that it accepts can
 * be reached, such as `2.0.0 accepts >=1.5.0; nothing leads from 1.0.0 to >=1.5.0 because 1.5.0 is blocked: …`.
 */
export function explainNoPath(graph: UpgradeGraph, from: Version, to: Version): string {
  const target = releaseOf(graph, to);
  if (target === undefined || target.from === null) return `${to} accepts no upgrades; it can only be installed.`;
  const direct = reasonAgainst(graph, from, target);
  const { from: accepted } = target;
  if (satisfiesRange(from, accepted)) return `${to} accepts ${accepted}, but ${direct}.`;

  const between = graph.releases.filter(
    ({ version }) =>
      compareVersions(from, version) < 0 && compareVersions(version, to) < 0 && satisfiesRange(version, accepted),
  );
  if (between.length === 0) {
    return `${to} accepts ${accepted}, and no release between ${from} and ${to} is one of those.`;
  }
  const reachable = between.filter(({ version }) => canReach(graph, from, version));
  const reasons =
    reachable.length > 0
      ? reachable.map((release) => reasonAgainst(graph, release.version, target))
      : between.map((release) => reasonAgainst(graph, from, release));
  const shown = reasons.slice(0, MOST_REASONS).join("; ");
  const more = reasons.length > MOST_REASONS ? `; and ${reasons.length - MOST_REASONS} more` : "";
  return `${to} accepts ${accepted}; nothing leads from ${from} to ${accepted} because ${shown}${more}.`;
}

/** Why a direct upgrade does not exist. */
function reasonAgainst(graph: UpgradeGraph, from: Version, to: UpgradeRelease): string {
  const block = to.blocked.find((candidate) => satisfiesRange(from, candidate.from));
  if (block !== undefined) return `${to.version} is blocked from ${from}: ${block.reason}`;
  if (to.from === null) return `${to.version} accepts no upgrades`;
  if (!satisfiesRange(from, to.from)) return `${to.version} accepts ${to.from} only`;
  const stop = missedStop(graph, from, to.version);
  if (stop !== undefined) return `${from} → ${to.version} would miss the required stop ${stop}`;
  return `${to.version} can't be reached from ${from}`;
}

function canReach(graph: UpgradeGraph, from: Version, to: Version): boolean {
  const start = graph.positions.get(from) ?? -1;
  const seen = new Set<number>();
  const open = [graph.positions.get(to) ?? -1];
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (position === start) return true;
    if (seen.has(position)) continue;
    seen.add(position);
    for (const edge of graph.incoming[position] ?? []) open.push(edge.from);
  }
  return false;
}

function releaseOf(graph: UpgradeGraph, version: Version): UpgradeRelease | undefined {
  return graph.releases[graph.positions.get(version) ?? -1];
}
