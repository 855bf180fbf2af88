import type { ModuleId } from "../identifiers/module-id.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { isSubset, type ModuleUniverse, type VersionSet } from "./module-universe.ts";

/** Something that is taken to be so: chosen (no cause), or because an incompatibility leaves nothing else. */
interface Assignment {
  readonly module: ModuleId;
  readonly set: VersionSet;
  readonly level: number;
  readonly cause: Incompatibility | undefined;
}

/** The assignment that made an incompatibility true, and the level at which it would still be without it. */
export interface Satisfier {
  readonly assignment: Assignment;
  readonly previousLevel: number;
}

export interface PartialSolution {
  readonly level: number;
  /** What a module may still be. */
  allowed(module: ModuleId): VersionSet;
  isDecided(module: ModuleId): boolean;
  derive(module: ModuleId, set: VersionSet, cause: Incompatibility): void;
  decide(module: ModuleId, set: VersionSet): void;
  backtrack(level: number): void;
  satisfierOf(incompatibility: Incompatibility): Satisfier;
}

export function createPartialSolution(universe: ModuleUniverse): PartialSolution {
  let assignments: Assignment[] = [];
  let level = 0;
  const sets = new Map<ModuleId, VersionSet>();
  const decided = new Set<ModuleId>();
  const allowed = (module: ModuleId): VersionSet => sets.get(module) ?? universe.full(module);

  const assign = (assignment: Assignment): void => {
    assignments.push(assignment);
    sets.set(assignment.module, allowed(assignment.module) & assignment.set);
    if (assignment.cause === undefined) decided.add(assignment.module);
  };

  /** Number of the first assignment by which a module is in `wanted`; −1: before any. */
  const firstIn = (module: ModuleId, wanted: VersionSet, before = assignments.length): number => {
    let set = universe.full(module);
    if (isSubset(set, wanted)) return -1;
    for (const [index, one] of assignments.slice(0, before).entries()) {
      if (one.module !== module) continue;
      set &= one.set;
      if (isSubset(set, wanted)) return index;
    }
    throw new Error("An incompatibility that is not satisfied has no satisfier.");
  };

  return {
    get level() {
      return level;
    },
    allowed,
    isDecided: (module) => decided.has(module),
    derive: (module, set, cause) => assign({ module, set, level, cause }),
    decide(module, set) {
      level += 1;
      assign({ module, set, level, cause: undefined });
    },
    backtrack(to) {
      const kept = assignments.filter((one) => one.level <= to);
      assignments = [];
      sets.clear();
      decided.clear();
      level = to;
      for (const one of kept) assign(one);
    },
    satisfierOf({ terms }) {
      const first = [...terms].map(([module, set]) => ({ module, set, index: firstIn(module, set) }));
      const newest = first.reduce((a, b) => (a.index >= b.index ? a : b));
      const assignment = assignments[newest.index];
      if (assignment === undefined) throw new Error("An incompatibility of nothing has no satisfier.");
      const others = first.filter((one) => one !== newest).map(({ index }) => index);
      if (!isSubset(assignment.set, newest.set)) {
        // It took an earlier assignment of the same module as well.
        const rest = newest.set | (universe.full(newest.module) ^ assignment.set);
        others.push(firstIn(newest.module, rest, newest.index));
      }
      return { assignment, previousLevel: Math.max(0, ...others.map((index) => assignments[index]?.level ?? 0)) };
    },
  };
}
