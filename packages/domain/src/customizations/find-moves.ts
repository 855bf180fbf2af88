import { canonicalJson, isList, isMap, type JsonValue } from "./json-value.ts";
import type { Addition, FoundConflict } from "./merge-values.ts";

/**
 * Tells moves from removals: what one side took away, and has elsewhere exactly as it was, it moved. Maps and lists with
 * something in them only, and one place only: of a number nobody could say.
 */
export function findMoves(conflicts: readonly FoundConflict[], additions: readonly Addition[]): FoundConflict[] {
  if (!conflicts.some(({ kind }) => kind === "removal")) return [...conflicts];
  const places = new Map<string, Addition[]>();
  for (const addition of additions.filter(({ value }) => isFilled(value))) {
    const key = addition.side + canonicalJson(addition.value);
    places.set(key, [...(places.get(key) ?? []), addition]);
  }
  return conflicts.map((conflict) => {
    if (conflict.kind !== "removal" || !isFilled(conflict.base)) return conflict;
    const side = conflict.ours === undefined ? "tenant" : "vendor";
    const [place, second] = places.get(side + canonicalJson(conflict.base)) ?? [];
    if (place === undefined || second !== undefined) return conflict;
    return { ...conflict, kind: "move", movedTo: place.path };
  });
}

function isFilled(value: JsonValue | undefined): value is JsonValue {
  return (isMap(value) && Object.keys(value).length > 0) || (isList(value) && value.length > 0);
}
