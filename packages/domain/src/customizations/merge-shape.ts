import { itemSegment } from "./document-path.ts";
import { isList, isMap, type JsonMap, type JsonValue, propertyOf } from "./json-value.ts";

/**
 * How the parts of a document are merged, as its JSON Schema says:
 *
 * - a list with `x-aibos-merge-key` (a field's name, or several) is merged item by item, by key;
 * - a list with `x-aibos-merge: set` holds scalars, each once, and is merged item by item;
 * - other lists are atomic: one value;
 * - maps are merged key by key, but for `x-aibos-merge: atomic`.
 *
 * These are the list and map types of Kubernetes' structured merge.
 */
export interface MergeShape {
  readonly list: "atomic" | "set" | readonly string[];
  readonly map: "atomic" | "merge";
  property(key: string): MergeShape;
  item(): MergeShape;
}

/** Of a document without a schema. */
export const PLAIN_SHAPE: MergeShape = {
  list: "atomic",
  map: "merge",
  property: () => PLAIN_SHAPE,
  item: () => PLAIN_SHAPE,
};

/** More references than this, one after the other, lead nowhere. */
const MAX_REFERENCES = 32;

/** Reads what a schema says of merging. References inside the schema (`#/…`) are followed; `allOf` adds up. */
export function mergeShapeOf(schema: JsonValue): MergeShape {
  const shapes = new Map<string, MergeShape>();
  const ids = new Map<JsonValue, number>();
  // Schemas that apply at one place together make one shape; the same ones make the same shape again.
  const shapeOf = (found: readonly JsonMap[]): MergeShape => {
    const schemas = found.flatMap((one) => resolve(one, schema, 0));
    if (schemas.length === 0) return PLAIN_SHAPE;
    const id = schemas.map((one) => ids.get(one) ?? (ids.set(one, ids.size), ids.size - 1)).join(" ");
    const known = shapes.get(id);
    if (known !== undefined) return known;
    const properties = new Map<string, MergeShape>();
    let item: MergeShape | undefined;
    const shape: MergeShape = {
      list: schemas.map(listType).find((type) => type !== "atomic") ?? "atomic",
      map: schemas.some((one) => propertyOf(one, "x-aibos-merge") === "atomic") ? "atomic" : "merge",
      property(key) {
        const child = properties.get(key) ?? shapeOf(schemas.flatMap((one) => propertySchemas(one, key)));
        properties.set(key, child);
        return child;
      },
      item: () => (item ??= shapeOf(schemas.flatMap((one) => asSchemas(propertyOf(one, "items"))))),
    };
    shapes.set(id, shape);
    return shape;
  };
  return shapeOf(asSchemas(schema));
}

function listType(schema: JsonMap): MergeShape["list"] {
  const key = propertyOf(schema, "x-aibos-merge-key");
  if (typeof key === "string") return [key];
  if (isList(key) && key.length > 0 && key.every((name) => typeof name === "string")) return key;
  return propertyOf(schema, "x-aibos-merge") === "set" ? "set" : "atomic";
}

function propertySchemas(schema: JsonMap, key: string): JsonMap[] {
  const properties = propertyOf(schema, "properties");
  const named = isMap(properties) ? propertyOf(properties, key) : undefined;
  const patterns = propertyOf(schema, "patternProperties");
  const matching = isMap(patterns)
    ? Object.entries(patterns).flatMap(([pattern, found]) => (new RegExp(pattern, "u").test(key) ? [found] : []))
    : [];
  const found = named === undefined ? matching : [named, ...matching];
  return (found.length > 0 ? found : [propertyOf(schema, "additionalProperties")]).flatMap(asSchemas);
}

function resolve(schema: JsonMap, root: JsonValue, depth: number): JsonMap[] {
  if (depth > MAX_REFERENCES) return [];
  const reference = propertyOf(schema, "$ref");
  const all = propertyOf(schema, "allOf");
  const referred = typeof reference === "string" ? asSchemas(lookUp(root, reference)) : [];
  const parts = isList(all) ? all.flatMap(asSchemas) : [];
  return [schema, ...[...referred, ...parts].flatMap((one) => resolve(one, root, depth + 1))];
}

function lookUp(root: JsonValue, reference: string): JsonValue | undefined {
  if (!reference.startsWith("#")) return undefined;
  let found: JsonValue | undefined = root;
  for (const part of decodeURIComponent(reference).split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = isMap(found) ? propertyOf(found, key) : isList(found) ? found[Number(key)] : undefined;
  }
  return found;
}

function asSchemas(value: JsonValue | undefined): JsonMap[] {
  return isMap(value) ? [value] : [];
}

/**
 * The items of a list by key, in their order. Undefined for a list that is not keyed as its shape says: atomic, an item
 * without its key, or two with the same one.
 */
export function itemsByKey(list: readonly JsonValue[], shape: MergeShape): Map<string, JsonValue> | undefined {
  if (shape.list === "atomic") return undefined;
  const items = new Map<string, JsonValue>();
  for (const item of list) {
    const segment = shape.list === "set" ? setSegment(item) : keyedSegment(item, shape.list);
    if (segment === undefined || items.has(segment)) return undefined;
    items.set(segment, item);
  }
  return items;
}

function setSegment(item: JsonValue): string | undefined {
  return isList(item) || isMap(item) ? undefined : itemSegment([], [item]);
}

function keyedSegment(item: JsonValue, names: readonly string[]): string | undefined {
  if (!isMap(item)) return undefined;
  const values: (string | number)[] = [];
  for (const name of names) {
    const value = propertyOf(item, name);
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    values.push(value);
  }
  return itemSegment(names, values);
}
