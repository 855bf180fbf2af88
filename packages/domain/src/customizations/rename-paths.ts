import { changeValues, shapeAt, valueAt } from "./change-values.ts";
import { type DocumentPath, formatPath, keySegment } from "./document-path.ts";
import { isList, isMap, type JsonValue } from "./json-value.ts";
import { itemsByKey, type MergeShape } from "./merge-shape.ts";

/** A new version's other place for something: `/steps/X/label` to `/steps/X/title`, where X may be `*`: each key or item. */
export interface Rename {
  readonly from: DocumentPath;
  readonly to: DocumentPath;
}

export interface Renamed {
  readonly value: JsonValue;
  /** What went where. */
  readonly moved: readonly Rename[];
  /** Places that were taken, so that what should have gone there stayed where it was. */
  readonly taken: readonly Rename[];
}

/** Puts what a new version renamed where it belongs there, before the document is merged. */
export function renamePaths(
  document: JsonValue,
  renames: readonly Rename[],
  shape: MergeShape,
  except: readonly Rename[] = [],
): Renamed {
  const left = new Set(except.map(({ from }) => formatPath(from)));
  let value = document;
  const moved: Rename[] = [];
  const taken: Rename[] = [];
  for (const rename of renames) {
    const matches = eachMatch(value, rename, shape).filter(({ from }) => !left.has(formatPath(from)));
    const found = matches.filter(({ from }) => valueAt(value, from, shape) !== undefined);
    const free = found.filter(({ to }) => valueAt(value, to, shape) === undefined);
    taken.push(...found.filter((one) => !free.includes(one)));
    moved.push(...free);
    const changes = free.flatMap(({ from, to }) => [
      { path: from, value: undefined },
      { path: to, value: valueAt(value, from, shape) },
    ]);
    value = changeValues(value, changes, shape) ?? null;
  }
  return { value, moved, taken };
}

/** The renames that one with stars stands for in this document. */
function eachMatch(value: JsonValue, { from, to }: Rename, shape: MergeShape): Rename[] {
  const star = from.indexOf("*");
  if (star === -1) return [{ from, to }];
  const parent = from.slice(0, star);
  return segmentsAt(value, parent, shape).flatMap((segment) => {
    const filled = (path: DocumentPath): DocumentPath => path.with(path.indexOf("*"), segment);
    return to.includes("*") ? eachMatch(value, { from: filled(from), to: filled(to) }, shape) : [];
  });
}

function segmentsAt(value: JsonValue, path: DocumentPath, shape: MergeShape): string[] {
  const found = valueAt(value, path, shape);
  if (isMap(found)) return Object.keys(found).map(keySegment);
  if (!isList(found)) return [];
  const keyed = itemsByKey(found, shapeAt(value, path, shape));
  return keyed === undefined ? found.map((_, index) => String(index)) : [...keyed.keys()];
}

/** Why two paths can't be a rename, or undefined. */
export function renameProblem({ from, to }: Rename): string | undefined {
  const stars = (path: DocumentPath): number => path.filter((segment) => segment === "*").length;
  if (from.length === 0 || to.length === 0) return "the whole document can't be renamed";
  if (stars(from) !== stars(to)) return "both paths must have as many stars";
  const inside = (a: DocumentPath, b: DocumentPath): boolean => `${formatPath(b)}/`.startsWith(`${formatPath(a)}/`);
  if (inside(from, to) || inside(to, from)) return "neither path may be inside the other";
  return undefined;
}
