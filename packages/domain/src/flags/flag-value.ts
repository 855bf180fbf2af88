/** What a flag can have as a value: JSON. */
export type FlagValue =
  | boolean
  | string
  | number
  | null
  | readonly FlagValue[]
  | { readonly [name: string]: FlagValue };

export const FLAG_TYPES = ["boolean", "string", "integer", "float", "object"] as const;
export type FlagType = (typeof FLAG_TYPES)[number];

const EXPECTED: Record<FlagType, string> = {
  boolean: "true or false",
  string: "a text",
  integer: "a whole number",
  float: "a number",
  object: "an object",
};

/** What a value of the type is, for a message: "true or false". */
export function describeFlagType(type: FlagType): string {
  return EXPECTED[type];
}

/** Tells whether a value is one that a flag of this type can have. */
export function isFlagValueOf(type: FlagType, value: unknown): value is FlagValue {
  switch (type) {
    case "boolean":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isSafeInteger(value);
    case "float":
      return Number.isFinite(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
  }
}

/** The narrowest type that all values have; undefined when there is none. */
export function flagTypeOf(values: readonly unknown[]): FlagType | undefined {
  return FLAG_TYPES.find((type) => values.length > 0 && values.every((value) => isFlagValueOf(type, value)));
}

/** Tells whether two values are the same JSON, whatever the order of an object's names. */
export function isSameFlagValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSameFlagValue(Reflect.get(a, name), Reflect.get(b, name)));
}

/** Freezes a value and all that is in it: results are shared by everybody who asks. */
export function freezeFlagValue<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) freezeFlagValue(part);
  return value;
}
