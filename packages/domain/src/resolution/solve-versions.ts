import type { ModuleId } from "../identifiers/module-id.ts";
import type { Version } from "../versions/version.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { ABSENT, isSubset, type ModuleUniverse, type VersionSet } from "./module-universe.ts";
import { createPartialSolution, type PartialSolution } from "./partial-solution.ts";

export interface VersionProblem {
  readonly universe: ModuleUniverse;
  /** What is given beside the modules' dependencies. */
  readonly facts: readonly Incompatibility[];
  /** Which of a module's possible versions to try first. */
  readonly prefer: (module: ModuleId, candidates: readonly Version[]) => Version;
}

/** Versions of the modules that are needed, or the incompatibility of nothing, with how it was derived. */
export type VersionSolution =
  | { readonly versions: ReadonlyMap<ModuleId, Version> }
  | { readonly failure: Incompatibility };

/**
 * Finds versions of modules whose dependencies all hold, or why there are none.
 *
 * Source: N. Weizenbaum, PubGrub: Next-Generation Version Solving (2018), and the description of the algorithm in the
 * documentation of Dart's `pub`: unit propagation, conflict resolution by learned incompatibilities, backjumping.
 */
export function solveVersions({ universe, facts, prefer }: VersionProblem): VersionSolution {
  const solution = createPartialSolution(universe);
  const byModule = new Map<ModuleId, Incompatibility[]>();
  const known = new Set<string>();

  const add = (incompatibility: Incompatibility): void => {
    for (const module of incompatibility.terms.keys()) {
      byModule.set(module, [...(byModule.get(module) ?? []), incompatibility]);
    }
  };
  for (const fact of facts) add(fact);
  const impossible = facts.find(({ terms }) => terms.size === 0);
  if (impossible !== undefined) return { failure: impossible };

  /** Draws conclusions from what changed. An incompatibility of nothing when there is no solution. */
  const propagate = (start: readonly ModuleId[]): Incompatibility | undefined => {
    const changed = [...start];
    for (let module = changed.pop(); module !== undefined; module = changed.pop()) {
      for (const incompatibility of (byModule.get(module) ?? []).toReversed()) {
        const open = openTerm(incompatibility, solution);
        if (open === "contradicted") continue;
        if (open !== "satisfied") {
          solution.derive(open, universe.full(open) ^ termOf(incompatibility, open), incompatibility);
          changed.push(open);
          continue;
        }
        const learned = resolveConflict(incompatibility, solution, universe, add);
        if (learned.terms.size === 0) return learned;
        const freed = openTerm(learned, solution);
        if (freed === "contradicted" || freed === "satisfied")
          throw new Error("A learned incompatibility is not unit.");
        solution.derive(freed, universe.full(freed) ^ termOf(learned, freed), learned);
        changed.splice(0, changed.length, freed);
        break;
      }
    }
    return undefined;
  };

  /** Chooses a version of a module that is needed, unless what it needs can't be. Undefined: nothing left to choose. */
  const choose = (): ModuleId | undefined => {
    const [next] = [...byModule.keys()]
      .filter((module) => (solution.allowed(module) & ABSENT) === 0n && !solution.isDecided(module))
      .map((module) => ({ module, candidates: universe.members(module, solution.allowed(module)) }))
      .sort((a, b) => a.candidates.length - b.candidates.length || (a.module < b.module ? -1 : 1));
    if (next === undefined) return undefined;
    const version = prefer(next.module, next.candidates);
    const needs = dependenciesOf(universe, next.module, version).filter(({ key }) => !known.has(key));
    for (const { key, incompatibility } of needs) {
      known.add(key);
      add(incompatibility);
    }
    const hopeless = dependenciesOf(universe, next.module, version).some(({ incompatibility: { terms } }) =>
      [...terms].every(([module, set]) => module === next.module || isSubset(solution.allowed(module), set)),
    );
    if (!hopeless) {
      solution.decide(
        next.module,
        universe.setOf(next.module, (one) => one === version),
      );
    }
    return next.module;
  };

  let changed: readonly ModuleId[] = [...byModule.keys()];
  for (;;) {
    const failure = propagate(changed);
    if (failure !== undefined) return { failure };
    const chosen = choose();
    if (chosen === undefined) return { versions: decidedVersions(byModule.keys(), solution, universe) };
    changed = [chosen];
  }
}

function termOf({ terms }: Incompatibility, module: ModuleId): VersionSet {
  return terms.get(module) ?? 0n;
}

/** The only module of an incompatibility that is not known to be as it says. */
function openTerm({ terms }: Incompatibility, solution: PartialSolution): ModuleId | "satisfied" | "contradicted" {
  let open: ModuleId | undefined;
  for (const [module, set] of terms) {
    const allowed = solution.allowed(module);
    if (isSubset(allowed, set)) continue;
    if ((allowed & set) === 0n || open !== undefined) return "contradicted";
    open = module;
  }
  return open ?? "satisfied";
}

/** Finds the choice that led to a conflict, goes back behind it, and gives what was learned. */
function resolveConflict(
  conflict: Incompatibility,
  solution: PartialSolution,
  universe: ModuleUniverse,
  add: (incompatibility: Incompatibility) => void,
): Incompatibility {
  let learned = conflict;
  while (learned.terms.size > 0) {
    const { assignment, previousLevel } = solution.satisfierOf(learned);
    if (assignment.cause === undefined || previousLevel < assignment.level) {
      solution.backtrack(previousLevel);
      if (learned !== conflict) add(learned);
      return learned;
    }
    learned = putTogether(learned, assignment.cause, assignment.module, assignment.set, universe);
  }
  return learned;
}

/** What follows from two incompatibilities of which one made the other true. */
function putTogether(
  conflict: Incompatibility,
  cause: Incompatibility,
  module: ModuleId,
  set: VersionSet,
  universe: ModuleUniverse,
): Incompatibility {
  const terms = new Map<ModuleId, VersionSet>();
  const narrow = (one: ModuleId, to: VersionSet): void => {
    terms.set(one, (terms.get(one) ?? universe.full(one)) & to);
  };
  for (const [one, to] of conflict.terms) if (one !== module) narrow(one, to);
  for (const [one, to] of cause.terms) if (one !== module) narrow(one, to);
  narrow(module, termOf(conflict, module) | (universe.full(module) ^ set));
  for (const [one, to] of terms) if (to === universe.full(one)) terms.delete(one);
  return { terms, cause: { kind: "derived", from: [conflict, cause] } };
}

/** What a version needs, said at once for all versions of the module that need the same. */
function dependenciesOf(
  universe: ModuleUniverse,
  module: ModuleId,
  version: Version,
): { key: string; incompatibility: Incompatibility }[] {
  const dependencies = universe.release(module, version)?.dependencies ?? new Map<ModuleId, never>();
  return [...dependencies].map(([needs, range]) => {
    const alike = universe.setOf(module, (one) => universe.release(module, one)?.dependencies.get(needs) === range);
    const terms = new Map([[module, alike]]);
    const without = universe.full(needs) ^ universe.inRange(needs, range);
    if (without !== universe.full(needs)) terms.set(needs, without);
    return {
      key: `${module} ${alike} ${needs}`,
      incompatibility: { terms, cause: { kind: "dependency", module, needs, range } },
    };
  });
}

function decidedVersions(
  modules: Iterable<ModuleId>,
  solution: PartialSolution,
  universe: ModuleUniverse,
): Map<ModuleId, Version> {
  const versions = new Map<ModuleId, Version>();
  for (const module of modules) {
    const [version] = solution.isDecided(module) ? universe.members(module, solution.allowed(module)) : [];
    if (version !== undefined) versions.set(module, version);
  }
  return versions;
}
