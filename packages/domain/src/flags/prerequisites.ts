import type { FlagDefinition } from "./flag-definition.ts";
import type { FlagProblem } from "./flag-problem.ts";

/** Prerequisites that are not there, have no such variant, or come back to the flag itself. */
export function prerequisiteProblems(definitions: readonly FlagDefinition[]): FlagProblem[] {
  const byKey = new Map(definitions.map((definition) => [definition.key, definition]));
  const problems: FlagProblem[] = [];
  for (const { key, prerequisites } of definitions) {
    for (const [index, { flag, variant }] of prerequisites.entries()) {
      const needed = byKey.get(flag);
      const path = [key, "prerequisites", index];
      if (needed === undefined) problems.push({ path, message: `"${flag}" is not declared by this version` });
      else if (!needed.variants.has(variant)) {
        problems.push({
          path,
          message: `"${flag}" has no variant "${variant}"; it has ${[...needed.variants.keys()].join(", ")}`,
        });
      }
    }
  }
  if (problems.length > 0) return problems;
  const cycle = findCycle(byKey);
  if (cycle === undefined) return [];
  return [{ path: [cycle[0] ?? "", "prerequisites"], message: `need each other in a circle: ${cycle.join(" → ")}` }];
}

function findCycle(byKey: ReadonlyMap<string, FlagDefinition>): string[] | undefined {
  const done = new Set<string>();
  const visit = (key: string, way: string[]): string[] | undefined => {
    const before = way.indexOf(key);
    if (before >= 0) return [...way.slice(before), key];
    if (done.has(key)) return undefined;
    for (const { flag } of byKey.get(key)?.prerequisites ?? []) {
      const cycle = visit(flag, [...way, key]);
      if (cycle !== undefined) return cycle;
    }
    done.add(key);
    return undefined;
  };
  for (const key of byKey.keys()) {
    const cycle = visit(key, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
