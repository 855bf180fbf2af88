import type { Change } from "./change-values.ts";
import type { Conflict, Decide, Decision, ReportLine } from "./conflict.ts";
import { isList, type JsonValue } from "./json-value.ts";
import type { FoundConflict } from "./merge-values.ts";

export interface DecidedConflicts {
  readonly changes: readonly Change[];
  readonly report: readonly ReportLine[];
  readonly open: readonly Conflict[];
}

/** Asks for decisions, and says what they change in a document that has the tenant's value at every conflict. */
export function decideConflicts(conflicts: readonly FoundConflict[], decide: Decide): DecidedConflicts {
  const changes: Change[] = [];
  const report: ReportLine[] = [];
  const open: Conflict[] = [];
  for (const found of conflicts) {
    const { itemOrder: _, ...conflict } = found;
    const decision = decide(conflict);
    const made = decision === undefined ? undefined : changesFor(found, decision);
    if (decision === undefined || made === undefined) {
      open.push(conflict);
      report.push({ outcome: "conflict", path: conflict.path, detail: conflict.kind });
    } else {
      changes.push(...made);
      report.push(resolvedLine(conflict, decision));
    }
  }
  return { changes, report, open };
}

export function resolvedLine({ kind, path }: Conflict, { take, by }: Decision): ReportLine {
  const taken = { tenant: "the tenant's was kept", vendor: "the vendor's was taken", value: "merged by hand" }[take];
  return { outcome: "resolved", path, detail: `${kind}: ${taken}${by === undefined ? "" : `, ${by}`}` };
}

/** The value that a decision means for a conflict. */
export function decidedValue(conflict: Conflict, decision: Decision): JsonValue | undefined {
  if (decision.take === "value") return decision.value;
  return decision.take === "tenant" ? conflict.ours : conflict.theirs;
}

function changesFor(conflict: FoundConflict, decision: Decision): Change[] | undefined {
  const value = decidedValue(conflict, decision);
  if (conflict.kind === "order") {
    const isOrder = isList(value) && value.every((key) => typeof key === "string");
    return isOrder ? [{ path: conflict.path, order: value }] : undefined;
  }
  if (conflict.movedTo !== undefined) return moveChanges(conflict, conflict.movedTo, decision);
  const place = conflict.itemOrder === undefined ? {} : { itemOrder: conflict.itemOrder };
  return [{ path: conflict.path, value, ...place }];
}

/** Keeping an edit of what the other side moved takes the edit along; refusing a move undoes it. */
function moveChanges(conflict: FoundConflict, movedTo: readonly string[], decision: Decision): Change[] {
  const { path, ours, theirs } = conflict;
  const gone = { path, value: undefined };
  if (decision.take === "value") return [gone, { path: movedTo, value: decision.value }];
  const vendorMoved = theirs === undefined;
  if (decision.take === "tenant") return vendorMoved ? [gone, { path: movedTo, value: ours }] : [];
  return vendorMoved
    ? [gone]
    : [
        { path: movedTo, value: undefined },
        { path, value: theirs },
      ];
}
