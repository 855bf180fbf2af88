import { compareVersions, type Version } from "../versions/version.ts";
import { explainNoPath } from "./explain-no-path.ts";
import { NoUpgradePathError } from "./no-upgrade-path-error.ts";
import type { UpgradeGraph } from "./upgrade-graph.ts";

interface Reached {
  readonly risk: number;
  readonly hops: number;
  readonly before: number;
}

/**
 * The best way from one release to a newer one, both ends included: no required stop missed, then least risk, then
 * fewest hops, then the newest stops. Risks add up along the way. One pass over the releases in order, since upgrades
 * only lead forward (shortest path in a directed acyclic graph).
 *
 * @throws NoUpgradePathError with the reason
 * @throws RangeError when a version is not in the graph
 */
export function findUpgradePath(graph: UpgradeGraph, from: Version, to: Version): Version[] {
  const start = positionOf(graph, from);
  const end = positionOf(graph, to);
  if (start === end) return [to];
  if (compareVersions(from, to) > 0) {
    const detail = `${to} is older than ${from}; upgrades lead forward only. To go back, roll back instead.`;
    throw new NoUpgradePathError(graph.module, from, to, detail);
  }
  const reached = Array.from<Reached | undefined>({ length: end + 1 });
  reached[start] = { risk: 0, hops: 0, before: start };
  for (let position = start + 1; position <= end; position += 1) {
    for (const edge of graph.incoming[position] ?? []) {
      const source = reached[edge.from];
      if (source === undefined) continue;
      const candidate = { risk: source.risk + edge.risk, hops: source.hops + 1, before: edge.from };
      if (isBetter(candidate, reached[position])) reached[position] = candidate;
    }
  }
  if (reached[end] === undefined) {
    throw new NoUpgradePathError(graph.module, from, to, explainNoPath(graph, from, to));
  }
  const path: Version[] = [];
  for (let position = end; position !== start; position = reached[position]?.before ?? start) {
    path.unshift(graph.releases[position]?.version ?? to);
  }
  return [from, ...path];
}

/** Edges come oldest source first, so that of equal ways the one through the newest stop comes last and wins. */
function isBetter(candidate: Reached, best: Reached | undefined): boolean {
  if (best === undefined || candidate.risk !== best.risk) return best === undefined || candidate.risk < best.risk;
  return candidate.hops <= best.hops;
}

function positionOf(graph: UpgradeGraph, version: Version): number {
  const position = graph.positions.get(version);
  if (position === undefined) throw new RangeError(`${version} is no release of ${graph.module}.`);
  return position;
}
