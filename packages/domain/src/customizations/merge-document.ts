import { changeValues, valueAt } from "./change-values.ts";
import type { Conflict, Decide, ReportLine } from "./conflict.ts";
import { decideConflicts, decidedValue, resolvedLine } from "./decide-conflicts.ts";
import { type DocumentPath, formatPath } from "./document-path.ts";
import type { DocumentSchema } from "./document-schema.ts";
import { findMoves } from "./find-moves.ts";
import { type JsonValue, sameJson } from "./json-value.ts";
import { type FoundConflict, mergeValues } from "./merge-values.ts";
import { type Rename, renamePaths } from "./rename-paths.ts";

export interface DocumentToMerge {
  /** The old version's default, which the tenant's was made from. */
  readonly base: JsonValue;
  readonly ours: JsonValue;
  /** The new version's default. */
  readonly theirs: JsonValue;
  /** The new version's. */
  readonly schema: DocumentSchema;
  readonly renames?: readonly Rename[];
  readonly decide?: Decide;
}

export interface MergedDocument {
  /** With the tenant's value at every conflict that is not decided. Use it when there is none. */
  readonly value: JsonValue;
  readonly conflicts: readonly Conflict[];
  readonly report: readonly ReportLine[];
}

/** Decisions may bring new violations; more rounds than this would be a circle. */
const MAX_ROUNDS = 4;

/**
 * Merges a tenant's document with a new version's default: renames, then a merge path by path, then the new version's
 * schema. Never drops a change of the tenant's without a conflict or a line of the report.
 */
export function mergeDocument(given: DocumentToMerge): MergedDocument {
  const { theirs, schema, renames = [], decide = () => undefined } = given;
  const { shape } = schema;
  const ours = renamePaths(given.ours, renames, shape);
  const base = renamePaths(given.base, renames, shape, ours.taken);
  const merged = mergeValues(base.value, ours.value, theirs, shape);
  const found = asRenames(findMoves(merged.conflicts, merged.additions), ours.taken);
  const decided = decideConflicts(found, decide);
  const value = changeValues(merged.value, decided.changes, shape) ?? null;
  const report = [
    ...ours.moved
      .filter(({ from }) => !sameJson(valueAt(given.base, from, shape), valueAt(given.ours, from, shape)))
      .map(({ from, to }): ReportLine => ({ outcome: "renamed", path: to, detail: `from ${formatPath(from)}` })),
    ...merged.report,
    ...decided.report,
  ];
  if (decided.open.length > 0) return { value, conflicts: decided.open, report };
  const valid = settleViolations({ value, base: base.value, ours: ours.value, theirs }, schema, decide);
  return { ...valid, report: [...report, ...valid.report] };
}

function asRenames(conflicts: readonly FoundConflict[], taken: readonly Rename[]): FoundConflict[] {
  if (taken.length === 0) return [...conflicts];
  const sources = new Map(taken.map(({ from, to }) => [formatPath(to), formatPath(from)]));
  return conflicts.map((conflict) => {
    const source = sources.get(formatPath(conflict.path));
    return source === undefined ? conflict : { ...conflict, kind: "rename", detail: `takes the place of ${source}` };
  });
}

interface Merging {
  readonly value: JsonValue;
  readonly base: JsonValue;
  readonly ours: JsonValue;
  readonly theirs: JsonValue;
}

/** What is not valid for the new version although every change by itself was good. */
function settleViolations(merging: Merging, { shape, validate }: DocumentSchema, decide: Decide): MergedDocument {
  const report: ReportLine[] = [];
  const decided = new Set<string>();
  let { value } = merging;
  const at = (document: JsonValue, path: DocumentPath): JsonValue | undefined => valueAt(document, path, shape);
  for (let round = 0; ; round += 1) {
    const found = validate(value).map(({ path, message }): Conflict => ({
      kind: "schema",
      path,
      base: at(merging.base, path),
      ours: at(merging.ours, path),
      theirs: at(merging.theirs, path),
      detail: message,
    }));
    const now = found.flatMap((conflict) => {
      const decision = decided.has(formatPath(conflict.path)) ? undefined : decide(conflict);
      return decision === undefined ? [] : [{ conflict, decision }];
    });
    if (now.length === 0 || round === MAX_ROUNDS) {
      const open = found.map(({ path }): ReportLine => ({ outcome: "conflict", path, detail: "schema" }));
      return { value, conflicts: found, report: [...report, ...open] };
    }
    for (const { conflict, decision } of now) {
      decided.add(formatPath(conflict.path));
      report.push(resolvedLine(conflict, decision));
    }
    const changes = now.map(({ conflict, decision }) => ({
      path: conflict.path,
      value: decidedValue(conflict, decision),
    }));
    value = changeValues(value, changes, shape) ?? null;
  }
}
