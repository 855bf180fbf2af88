import type { DefinitionKind } from "./definition-query.ts";
import type { Definition } from "./read-definitions.ts";

/** Statements in an order in which they can run. */
export interface OrderedDefinitions {
  /** What must be there before rows can be copied. */
  readonly beforeData: readonly Definition[];
  /** What is made faster or rightly when the rows are there: triggers must not see them come. */
  readonly afterData: readonly Definition[];
}

export interface Dependency {
  readonly object: string;
  readonly needs: string;
  /** The object is another name for what it needs. */
  readonly stands_for: boolean;
}

const BEFORE: readonly DefinitionKind[] = ["type", "table", "sequence", "attachment", "identity", "function"];
const AFTER: readonly DefinitionKind[] = [
  "key",
  "function",
  "index",
  "index attachment",
  "check",
  "validation",
  "foreign key",
  "default",
  "view",
  "materialized view",
  "materialized view index",
  "rule",
  "trigger",
  "policy",
  "statistics",
  "setting",
  "comment",
  "grant",
];

/** Kinds that a function may need and still be there before the rows. */
const EARLY: readonly DefinitionKind[] = ["type", "table", "sequence", "function"];

/**
 * Puts each statement behind those whose objects it needs, and else keeps the order of kinds. Functions come as early as
 * they can: PostgreSQL does not know what a body that is text calls when an index or a check is computed.
 */
export function orderDefinitions(
  definitions: readonly Definition[],
  dependencies: readonly Dependency[],
): OrderedDefinitions {
  const standsFor = new Map(dependencies.flatMap((one) => (one.stands_for ? [[one.object, one.needs] as const] : [])));
  const byKey = new Map(definitions.flatMap((one) => (one.key === null ? [] : [[one.key, one] as const])));
  const objectOf = (key: string): string => {
    let at = key;
    for (let next = standsFor.get(at); next !== undefined && !byKey.has(at); next = standsFor.get(at)) at = next;
    return at;
  };
  const needs = new Map<string, Set<string>>();
  for (const one of dependencies) {
    const [object, needed] = [objectOf(one.object), objectOf(one.needs)];
    if (object === needed || !byKey.has(needed)) continue;
    // A partition's foreign key comes before its parent's, which then takes it for its part.
    if (byKey.get(object)?.kind === "foreign key" && byKey.get(needed)?.kind === "foreign key") continue;
    needs.set(object, (needs.get(object) ?? new Set()).add(needed));
  }
  const done = new Set<Definition>();
  const take = (kinds: readonly DefinitionKind[], fits: (one: Definition) => boolean): Definition[] => {
    const taken: Definition[] = [];
    const visit = (one: Definition): void => {
      if (done.has(one)) return;
      done.add(one);
      for (const key of one.key === null ? [] : (needs.get(one.key) ?? [])) {
        const needed = byKey.get(key);
        if (needed !== undefined) visit(needed);
      }
      taken.push(one);
    };
    for (const kind of kinds) for (const one of definitions) if (one.kind === kind && fits(one)) visit(one);
    return taken;
  };
  return {
    beforeData: take(BEFORE, (one) => one.kind !== "function" || isEarly(one, byKey, needs)),
    afterData: take(AFTER, () => true),
  };
}

/** Whether all that a definition needs, however indirectly, is there before the rows. */
function isEarly(
  definition: Definition,
  byKey: ReadonlyMap<string, Definition>,
  needs: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const seen = new Set<Definition>();
  const reach = (one: Definition): boolean => {
    if (seen.has(one)) return true;
    seen.add(one);
    if (!EARLY.includes(one.kind)) return false;
    return [...(one.key === null ? [] : (needs.get(one.key) ?? []))].every((key) => {
      const needed = byKey.get(key);
      return needed === undefined || reach(needed);
    });
  };
  return reach(definition);
}
