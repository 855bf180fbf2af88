import type { ModuleId } from "../identifiers/module-id.ts";
import { compareVersions, type Version } from "../versions/version.ts";
import type { VersionRange } from "../versions/version-range.ts";
import { explainDerivation } from "./explain-derivation.ts";
import { factsOf, type Incompatibility } from "./incompatibility.ts";
import { ABSENT, createModuleUniverse, type ModuleRelease, type ModuleUniverse } from "./module-universe.ts";
import { solveVersions, type VersionSolution } from "./solve-versions.ts";
import { type ModuleVersions, orderUpgrades, type UpgradeMove } from "./upgrade-order.ts";

export interface UpgradeQuestion {
  readonly releases: readonly ModuleRelease[];
  /** What the tenant has. */
  readonly installed: ModuleVersions;
  /** What it shall have; empty: only that its modules go together. */
  readonly wanted: ReadonlyMap<ModuleId, VersionRange>;
}

export interface UpgradeAnswer {
  /** Why the modules can't stay as they are; empty when they can. */
  readonly explanation: readonly string[];
  /** The fewest modules to move, with where to; undefined when nothing helps. */
  readonly versions: ModuleVersions | undefined;
  /** How to get there, each state on the way valid; undefined when several would have to move in one moment. */
  readonly moves: readonly UpgradeMove[] | undefined;
}

/**
 * Says why a tenant's modules can't be as they are wanted, and which fewest modules to upgrade so that they can. No
 * module goes back to an older version.
 *
 * Source of the fewest: E. Moreno-Centeno, R. M. Karp, The Implicit Hitting Set Approach (2013). Each failure with some
 * modules held in place names modules of which one must move; the smallest set that hits all of these is tried next.
 */
export function findSmallestUpgrade({ releases, installed, wanted }: UpgradeQuestion): UpgradeAnswer {
  const universe = createModuleUniverse(releases);
  const facts = givenFacts(universe, installed, wanted);
  const cores: ReadonlySet<ModuleId>[] = [];
  let explanation: string[] = [];
  for (;;) {
    const moving = smallestHittingSet(cores);
    const staying = [...installed].filter(([module]) => !moving.has(module));
    const held = staying.map(([module, version]) => staysFact(universe, module, version));
    const solved = solve(universe, [...facts, ...held], installed);
    if ("versions" in solved) return answer(solved.versions, explanation, installed, universe);
    if (cores.length === 0) explanation = explainDerivation(solved.failure, universe);
    const core = new Set(factsOf(solved.failure).flatMap((fact) => (fact.kind === "stays" ? [fact.module] : [])));
    if (core.size === 0) {
      return { explanation: explainDerivation(solved.failure, universe), versions: undefined, moves: undefined };
    }
    cores.push(core);
  }
}

function answer(
  versions: ModuleVersions,
  explanation: string[],
  installed: ModuleVersions,
  universe: ModuleUniverse,
): UpgradeAnswer {
  return { explanation, versions, moves: orderUpgrades(installed, versions, universe) };
}

function solve(
  universe: ModuleUniverse,
  facts: readonly Incompatibility[],
  installed: ModuleVersions,
): VersionSolution {
  return solveVersions({
    universe,
    facts,
    // The least change: where it is, else the nearest newer one; of a new module the newest.
    prefer(module, candidates) {
      const choice = installed.has(module) ? candidates[0] : candidates.at(-1);
      if (choice === undefined) throw new Error(`No version of ${module} is left to choose.`);
      return choice;
    },
  });
}

function givenFacts(
  universe: ModuleUniverse,
  installed: ModuleVersions,
  wanted: UpgradeQuestion["wanted"],
): Incompatibility[] {
  const used = [...installed.keys()].map((module): Incompatibility => ({
    terms: new Map([[module, ABSENT]]),
    cause: { kind: "used", module },
  }));
  const noWayBack = [...installed].map(([module, version]): Incompatibility => ({
    terms: new Map([[module, universe.setOf(module, (one) => compareVersions(one, version) < 0)]]),
    cause: { kind: "no-way-back", module, version },
  }));
  const wishes = [...wanted].map(([module, range]): Incompatibility => {
    const others = universe.full(module) ^ universe.inRange(module, range);
    const terms = new Map(others === universe.full(module) ? [] : [[module, others]]);
    return { terms, cause: { kind: "wanted", module, range } };
  });
  return [...wishes, ...used, ...noWayBack.filter(({ terms }) => [...terms.values()].every((set) => set !== 0n))];
}

function staysFact(universe: ModuleUniverse, module: ModuleId, version: Version): Incompatibility {
  const here = universe.setOf(module, (one) => one === version);
  return { terms: new Map([[module, universe.full(module) ^ here]]), cause: { kind: "stays", module, version } };
}

/** The fewest modules of which each core has one; by trying one module of the first core that is not hit. */
function smallestHittingSet(cores: readonly ReadonlySet<ModuleId>[]): ReadonlySet<ModuleId> {
  let best: ReadonlySet<ModuleId> | undefined;
  const extend = (chosen: ReadonlySet<ModuleId>): void => {
    if (best !== undefined && chosen.size >= best.size) return;
    const open = cores.find((core) => ![...core].some((module) => chosen.has(module)));
    if (open === undefined) {
      best = chosen;
      return;
    }
    for (const module of open) extend(new Set([...chosen, module]));
  };
  extend(new Set());
  return best ?? new Set();
}
