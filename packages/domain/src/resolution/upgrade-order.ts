import type { ModuleId } from "../identifiers/module-id.ts";
import { compareVersions, type Version } from "../versions/version.ts";
import { satisfiesRange } from "../versions/version-range.ts";
import type { ModuleUniverse } from "./module-universe.ts";

export type ModuleVersions = ReadonlyMap<ModuleId, Version>;

/** One move of one module. */
export interface UpgradeMove {
  readonly module: ModuleId;
  /** Undefined: it is installed. */
  readonly from: Version | undefined;
  readonly to: Version;
}

/** A dependency that does not hold. */
export interface BrokenDependency {
  readonly module: ModuleId;
  readonly needs: ModuleId;
}

/** More states than this are not looked at; tenants have a handful of modules to move, not dozens. */
const MAX_STATES = 20_000;

/** Dependencies of a tenant's modules that do not hold. */
export function brokenDependencies(versions: ModuleVersions, universe: ModuleUniverse): BrokenDependency[] {
  return [...versions].flatMap(([module, version]) =>
    [...(universe.release(module, version)?.dependencies ?? [])].flatMap(([needs, range]) => {
      const present = versions.get(needs);
      return present !== undefined && satisfiesRange(present, range) ? [] : [{ module, needs }];
    }),
  );
}

/**
 * The shortest order of moves, one module at a time, in which no dependency breaks that held before. Modules may stop at
 * versions in between. Undefined when there is none, so that several modules would have to move in one moment.
 */
export function orderUpgrades(
  from: ModuleVersions,
  to: ModuleVersions,
  universe: ModuleUniverse,
): UpgradeMove[] | undefined {
  const changed = [...to.keys()].filter((module) => from.get(module) !== to.get(module));
  const tolerated = new Set(brokenDependencies(from, universe).map(dependencyKey));
  const isValid = (state: ModuleVersions): boolean =>
    brokenDependencies(state, universe).every((broken) => tolerated.has(dependencyKey(broken)));
  const stateKey = (state: ModuleVersions): string => changed.map((module) => state.get(module) ?? "").join(" ");
  const target = stateKey(to);
  const seen = new Set([stateKey(from)]);
  let row: { state: ModuleVersions; moves: UpgradeMove[] }[] = [{ state: from, moves: [] }];
  while (row.length > 0 && seen.size < MAX_STATES) {
    const next: typeof row = [];
    for (const { state, moves } of row) {
      if (stateKey(state) === target) return moves;
      for (const move of movesFrom(state, to, changed, universe)) {
        const moved = new Map(state).set(move.module, move.to);
        if (seen.has(stateKey(moved)) || !isValid(moved)) continue;
        seen.add(stateKey(moved));
        next.push({ state: moved, moves: [...moves, move] });
      }
    }
    row = next;
  }
  return undefined;
}

/** The whole way first: the shortest order has the fewest stops. */
function movesFrom(
  state: ModuleVersions,
  to: ModuleVersions,
  changed: readonly ModuleId[],
  universe: ModuleUniverse,
): UpgradeMove[] {
  return changed.flatMap((module) => {
    const [now, target] = [state.get(module), to.get(module)];
    if (target === undefined) return [];
    return universe
      .versions(module)
      .filter(
        (version) => (now === undefined || compareVersions(version, now) > 0) && compareVersions(version, target) <= 0,
      )
      .toReversed()
      .map((version) => ({ module, from: now, to: version }));
  });
}

function dependencyKey({ module, needs }: BrokenDependency): string {
  return `${module} ${needs}`;
}
