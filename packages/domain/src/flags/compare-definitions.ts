import type { FlagDefinition } from "./flag-definition.ts";

/** What a version does to a flag that another live version declares. */
export interface FlagBreak {
  readonly flag: string;
  readonly kind: "removed" | "retyped";
  readonly message: string;
}

/** What of a new version's flags breaks who uses another version's. A renamed flag breaks nobody. */
export function breakingFlagChanges(live: readonly FlagDefinition[], given: readonly FlagDefinition[]): FlagBreak[] {
  const byKey = new Map(given.map((definition) => [definition.key, definition]));
  const renamed = new Set(given.flatMap(({ renamedFrom }) => (renamedFrom === undefined ? [] : [renamedFrom])));
  return live.flatMap(({ key: flag, type }): FlagBreak[] => {
    const now = byKey.get(flag);
    if (now === undefined && renamed.has(flag)) return [];
    if (now === undefined) return [{ flag, kind: "removed", message: `"${flag}" is not declared any more` }];
    if (now.type === type || (type === "integer" && now.type === "float")) return [];
    return [{ flag, kind: "retyped", message: `"${flag}" was ${type} and is ${now.type}` }];
  });
}
