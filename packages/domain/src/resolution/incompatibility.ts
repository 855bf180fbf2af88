import type { ModuleId } from "../identifiers/module-id.ts";
import type { Version } from "../versions/version.ts";
import type { VersionRange } from "../versions/version-range.ts";
import type { VersionSet } from "./module-universe.ts";

/** Why modules' states exclude each other: a fact, or two incompatibilities that were put together. */
export type Cause =
  | { readonly kind: "dependency"; readonly module: ModuleId; readonly needs: ModuleId; readonly range: VersionRange }
  | { readonly kind: "used"; readonly module: ModuleId }
  | { readonly kind: "stays"; readonly module: ModuleId; readonly version: Version }
  | { readonly kind: "no-way-back"; readonly module: ModuleId; readonly version: Version }
  | { readonly kind: "wanted"; readonly module: ModuleId; readonly range: VersionRange }
  | { readonly kind: "derived"; readonly from: readonly [Incompatibility, Incompatibility] };

/** States of modules, of which not all can be at once. With none of them, there is no solution. */
export interface Incompatibility {
  readonly terms: ReadonlyMap<ModuleId, VersionSet>;
  readonly cause: Cause;
}

/** The facts that an incompatibility was derived from. */
export function factsOf(incompatibility: Incompatibility): Cause[] {
  const seen = new Set<Incompatibility>();
  const facts: Cause[] = [];
  const stack = [incompatibility];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (next.cause.kind === "derived") stack.push(...next.cause.from);
    else facts.push(next.cause);
  }
  return facts;
}
