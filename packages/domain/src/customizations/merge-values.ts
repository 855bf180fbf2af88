import type { Conflict, ConflictKind, ReportLine } from "./conflict.ts";
import { type DocumentPath, keySegment } from "./document-path.ts";
import { isList, isMap, type JsonMap, jsonTypeOf, type JsonValue, propertyOf, sameJson } from "./json-value.ts";
import { insertInto, mergeOrder, sameKeys } from "./merge-order.ts";
import { itemsByKey, type MergeShape } from "./merge-shape.ts";

type Slot = JsonValue | undefined;

/** A conflict as it is found; of an item of a keyed list also where it belongs among the others. */
export interface FoundConflict extends Conflict {
  readonly itemOrder?: readonly string[];
}

/** Something whole that one side has and the base has not: where the base's may have gone. */
export interface Addition {
  readonly path: DocumentPath;
  readonly side: "tenant" | "vendor";
  readonly value: JsonValue;
}

export interface MergedValues {
  /** With the tenant's value wherever there is a conflict. */
  readonly value: Slot;
  readonly conflicts: readonly FoundConflict[];
  readonly report: readonly ReportLine[];
  readonly additions: readonly Addition[];
}

/** One place of the three documents, and whether what is there is the same. */
interface Place {
  readonly base: Slot;
  readonly ours: Slot;
  readonly theirs: Slot;
  readonly shape: MergeShape;
  readonly path: DocumentPath;
  readonly itemOrder?: readonly string[];
}

/** What became of a place. The equalities are found on the way up, so that each value is looked at once. */
interface Outcome {
  readonly value: Slot;
  readonly oursIsBase: boolean;
  readonly theirsIsBase: boolean;
}

/**
 * Merges three values, path by path, in time proportional to their size. `ours` is the tenant's edit of `base`, and
 * `theirs` the vendor's: what one of them alone changed is taken, what both changed alike too, the rest is a conflict.
 *
 * Source: T. Mens, A State-of-the-Art Survey on Software Merging (2002), three-way merging; and the field ownership,
 * list types and map types of Kubernetes' structured merge.
 */
export function mergeValues(base: Slot, ours: Slot, theirs: Slot, shape: MergeShape): MergedValues {
  const conflicts: FoundConflict[] = [];
  const report: ReportLine[] = [];
  const additions: Addition[] = [];

  const conflict = (kind: ConflictKind, place: Place): void => {
    const { path, itemOrder } = place;
    const { base: from, ours: tenants, theirs: vendors } = place;
    conflicts.push({
      kind,
      path,
      base: from,
      ours: tenants,
      theirs: vendors,
      ...(itemOrder === undefined ? {} : { itemOrder }),
    });
  };

  const mergePlace = (place: Place): Outcome => {
    const { ours: mine, theirs: new_ } = place;
    if (isMap(mine) && isMap(new_) && place.shape.map === "merge") return mergeMaps(place, mine, new_);
    if (isList(mine) && isList(new_)) return mergeLists(place, mine, new_);
    return mergeWhole(place);
  };

  const mergeWhole = (place: Place): Outcome => {
    const { base: old, ours: mine, theirs: new_, path } = place;
    const oursIsBase = sameJson(old, mine);
    const theirsIsBase = sameJson(old, new_);
    const outcome = (value: Slot): Outcome => ({ value, oursIsBase, theirsIsBase });
    if (oursIsBase && theirsIsBase) return outcome(mine);
    if (old === undefined && mine !== undefined && new_ === undefined) {
      additions.push({ path, side: "tenant", value: mine });
    }
    if (old === undefined && new_ !== undefined && mine === undefined) {
      additions.push({ path, side: "vendor", value: new_ });
    }
    if (oursIsBase) report.push({ outcome: "updated", path });
    else if (theirsIsBase) report.push({ outcome: "kept", path });
    else if (sameJson(mine, new_)) report.push({ outcome: "same", path });
    else conflict(kindOf(old, mine, new_), place);
    return outcome(oursIsBase ? new_ : mine);
  };

  const mergeMaps = (place: Place, mine: JsonMap, new_: JsonMap): Outcome => {
    const old = isMap(place.base) ? place.base : {};
    const merged: [string, JsonValue][] = [];
    let oursIsBase = isMap(place.base);
    let theirsIsBase = isMap(place.base);
    const mergeKey = (key: string): Slot => {
      const found = mergePlace({
        base: propertyOf(old, key),
        ours: propertyOf(mine, key),
        theirs: propertyOf(new_, key),
        shape: place.shape.property(key),
        path: [...place.path, keySegment(key)],
      });
      oursIsBase &&= found.oursIsBase;
      theirsIsBase &&= found.theirsIsBase;
      return found.value;
    };
    const ourKeys = Object.keys(mine);
    const added = Object.keys(new_).filter((key) => !Object.hasOwn(mine, key));
    for (const key of added.length === 0 ? ourKeys : insertInto(ourKeys, Object.keys(new_))) {
      const value = mergeKey(key);
      if (value !== undefined) merged.push([key, value]);
    }
    for (const key of Object.keys(old)) {
      if (!Object.hasOwn(mine, key) && !Object.hasOwn(new_, key)) mergeKey(key);
    }
    return { value: pick(place, oursIsBase, theirsIsBase, () => toMap(merged)), oursIsBase, theirsIsBase };
  };

  const mergeLists = (place: Place, mine: readonly JsonValue[], new_: readonly JsonValue[]): Outcome => {
    const { shape: listShape, path } = place;
    const old = isList(place.base) ? itemsByKey(place.base, listShape) : new Map<string, JsonValue>();
    const [ourItems, theirItems] = [itemsByKey(mine, listShape), itemsByKey(new_, listShape)];
    if (old === undefined || ourItems === undefined || theirItems === undefined) return mergeWhole(place);
    const keys = { base: [...old.keys()], ours: [...ourItems.keys()], theirs: [...theirItems.keys()] };
    const { order, oursMoved, theirsMoved, conflict: contradiction } = mergeOrder(keys);
    let oursIsBase = isList(place.base) && sameKeys(keys.base, keys.ours);
    let theirsIsBase = isList(place.base) && sameKeys(keys.base, keys.theirs);
    const itemShape = listShape.item();
    const mergeItem = (key: string): JsonValue[] => {
      const found = mergePlace({
        base: old.get(key),
        ours: ourItems.get(key),
        theirs: theirItems.get(key),
        shape: itemShape,
        path: [...path, key],
        itemOrder: order,
      });
      oursIsBase &&= found.oursIsBase;
      theirsIsBase &&= found.theirsIsBase;
      return found.value === undefined ? [] : [found.value];
    };
    const merged = order.flatMap(mergeItem);
    for (const key of keys.base) {
      if (!ourItems.has(key) && !theirItems.has(key)) mergeItem(key);
    }
    if (contradiction) conflict("order", { ...place, ...keys });
    else if (oursMoved || theirsMoved) {
      report.push({ outcome: oursMoved ? (theirsMoved ? "same" : "kept") : "updated", path, detail: "order" });
    }
    return { value: pick(place, oursIsBase, theirsIsBase, () => merged), oursIsBase, theirsIsBase };
  };

  return { value: mergePlace({ base, ours, theirs, shape, path: [] }).value, conflicts, report, additions };
}

/** What one side left as it was is the other's, to the last byte: also the order of keys. */
function pick({ ours, theirs }: Place, oursIsBase: boolean, theirsIsBase: boolean, merged: () => JsonValue): Slot {
  if (theirsIsBase) return ours;
  return oursIsBase ? theirs : merged();
}

function toMap(entries: readonly (readonly [string, JsonValue])[]): JsonMap {
  return Object.fromEntries(entries);
}

function kindOf(base: Slot, ours: Slot, theirs: Slot): ConflictKind {
  if (ours === undefined || theirs === undefined) return "removal";
  if (base === undefined) return "addition";
  return jsonTypeOf(ours) === jsonTypeOf(theirs) ? "change" : "type";
}
