import { type DocumentPath, segmentKey } from "./document-path.ts";
import { isList, isMap, type JsonMap, type JsonValue, propertyOf } from "./json-value.ts";
import { insertInto } from "./merge-order.ts";
import { itemsByKey, type MergeShape } from "./merge-shape.ts";

type Slot = JsonValue | undefined;

/** A change of one place: a value for it (undefined: none), or an order for its items. */
export interface Change {
  readonly path: DocumentPath;
  readonly value?: Slot;
  readonly order?: readonly string[];
  /** Of an item of a keyed list: where it belongs when it is not there. */
  readonly itemOrder?: readonly string[];
}

/** Changes by the first segment of their paths. */
interface Branch {
  readonly children: Map<string, Branch>;
  change?: Change;
  order?: readonly string[];
}

/** What is at a place of a document. */
export function valueAt(value: Slot, path: DocumentPath, shape: MergeShape): Slot {
  let found = value;
  let at = shape;
  for (const segment of path) {
    if (isList(found)) {
      const items = itemsByKey(found, at);
      found = items === undefined ? found[indexOf(segment)] : items.get(segment);
      at = at.item();
    } else {
      const key = segmentKey(segment);
      found = isMap(found) ? propertyOf(found, key) : undefined;
      at = at.property(key);
    }
  }
  return found;
}

/** How a place of a document is merged. */
export function shapeAt(value: Slot, path: DocumentPath, shape: MergeShape): MergeShape {
  let found = value;
  let at = shape;
  for (const segment of path) {
    const here = at;
    at = isList(found) ? at.item() : at.property(segmentKey(segment));
    found = valueAt(found, [segment], here);
  }
  return at;
}

/**
 * Makes changes in a copy of a document; what does not change is shared with it. Maps that lead to a new place are made.
 * All changes are made in one go, so that many of them cost no more than the document's size. Of two changes of which
 * one is inside the other, the inner one comes last.
 */
export function changeValues(value: Slot, changes: readonly Change[], shape: MergeShape): Slot {
  const root: Branch = { children: new Map() };
  for (const change of changes) {
    let branch = root;
    for (const segment of change.path) {
      const next = branch.children.get(segment) ?? { children: new Map<string, Branch>() };
      branch.children.set(segment, next);
      branch = next;
    }
    if (change.order === undefined) branch.change = change;
    else branch.order = change.order;
  }
  return changeBranch(value, root, shape);
}

function changeBranch(value: Slot, { children, change, order }: Branch, shape: MergeShape): Slot {
  const changed = change === undefined ? value : change.value;
  if (children.size === 0 && order === undefined) return changed;
  if (isList(changed)) return changeList(changed, children, order, shape);
  if (children.size === 0) return changed;
  // An undefined value that only takes something away stays undefined.
  if (!isMap(changed) && [...children.values()].every(isRemoval)) return changed;
  return changeMap(isMap(changed) ? changed : {}, children, shape);
}

function isRemoval({ children, change }: Branch): boolean {
  return children.size === 0 ? change?.value === undefined : [...children.values()].every(isRemoval);
}

function changeMap(map: JsonMap, children: Branch["children"], shape: MergeShape): JsonMap {
  const entries = new Map(Object.entries(map));
  for (const [segment, branch] of children) {
    const key = segmentKey(segment);
    const value = changeBranch(entries.get(key), branch, shape.property(key));
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
  }
  return Object.fromEntries(entries);
}

function changeList(
  list: readonly JsonValue[],
  children: Branch["children"],
  order: readonly string[] | undefined,
  shape: MergeShape,
): readonly JsonValue[] {
  const keyed = itemsByKey(list, shape);
  if (keyed === undefined) {
    const items: Slot[] = [...list];
    for (const [segment, branch] of children) {
      const index = indexOf(segment);
      if (index >= 0 && index <= items.length) items[index] = changeBranch(items[index], branch, shape.item());
    }
    return items.filter((item) => item !== undefined);
  }
  let keys = [...keyed.keys()];
  for (const [segment, branch] of children) {
    const value = changeBranch(keyed.get(segment), branch, shape.item());
    if (value === undefined) keyed.delete(segment);
    else {
      if (!keyed.has(segment)) keys = insertInto(keys, branch.change?.itemOrder ?? [...keys, segment]);
      keyed.set(segment, value);
    }
  }
  const wanted = order === undefined ? keys : insertInto(order, keys);
  return wanted.flatMap((key) => {
    const item = keyed.get(key);
    return item === undefined ? [] : [item];
  });
}

/** −1 for a segment that is no number of an item. */
function indexOf(segment: string): number {
  return /^(0|[1-9]\d{0,8})$/.test(segment) ? Number(segment) : -1;
}
