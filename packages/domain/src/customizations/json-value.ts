/** A JSON document's value. Where a value may be missing, `undefined` stands for that: JSON has none. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonMap;
export interface JsonMap {
  readonly [key: string]: JsonValue;
}
export type JsonType = "null" | "boolean" | "number" | "string" | "list" | "map";

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isMap(value: JsonValue | undefined): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function jsonTypeOf(value: JsonValue): JsonType {
  if (value === null) return "null";
  if (isList(value)) return "list";
  return typeof value === "object" ? "map" : (typeof value as "boolean" | "number" | "string");
}

/** What a map has under a key of its own; never what all objects have. */
export function propertyOf(map: JsonMap, key: string): JsonValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Whether two values say the same; the order of a map's keys says nothing. */
export function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

/** The one text of a value, whatever the order of its keys: what digests are made of. A missing value is empty. */
export function canonicalJson(value: JsonValue | undefined): string {
  if (value === undefined) return "";
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isMap(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonicalJson(child)}`).join(",")}}`;
}
