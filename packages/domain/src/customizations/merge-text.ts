import { diffArrays } from "diff";
import type { Conflict, Decide, ReportLine } from "./conflict.ts";
import { decidedValue, resolvedLine } from "./decide-conflicts.ts";
import { refuseSize } from "./document-limits.ts";
import type { MergedText } from "./merge-document-text.ts";

export interface TextsToMerge {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
  readonly decide?: Decide;
}

/** Lines between two places where all three texts agree. */
interface Chunk {
  /** Number of the first line in the base, from 0. */
  readonly line: number;
  readonly base: readonly string[];
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/** Lines that are taken away and put in, at most; texts further apart than this share nothing. */
const MAX_EDITS = 4000;

/**
 * Merges three texts by lines. The path of a conflict says which lines of the base it is about, so that it is the same
 * conflict for every tenant.
 *
 * Source: S. Khanna, K. Kunal, B. C. Pierce, A Formal Investigation of Diff3 (2007), on Myers' differences.
 *
 * @throws DocumentRefusedError for a text with NUL or one that is too large
 */
export function mergeText({ base, ours, theirs, decide = () => undefined }: TextsToMerge): MergedText {
  for (const text of [base, ours, theirs]) refuseText(text);
  const conflicts: Conflict[] = [];
  const report: ReportLine[] = [];
  const parts = chunksOf(linesOf(base), linesOf(ours), linesOf(theirs)).map((chunk) => {
    const [old, mine, new_] = [chunk.base.join(""), chunk.ours.join(""), chunk.theirs.join("")];
    if (old === mine && old === new_) return old;
    const path = [lineSegment(chunk)];
    const outcome = old === mine ? "updated" : old === new_ ? "kept" : mine === new_ ? "same" : undefined;
    if (outcome !== undefined) {
      report.push({ outcome, path });
      return outcome === "updated" ? new_ : mine;
    }
    const conflict: Conflict = { kind: "text", path, base: old, ours: mine, theirs: new_ };
    const decision = decide(conflict);
    const value = decision === undefined ? undefined : decidedValue(conflict, decision);
    if (decision === undefined || typeof value !== "string") {
      conflicts.push(conflict);
      report.push({ outcome: "conflict", path, detail: "text" });
      return mine;
    }
    report.push(resolvedLine(conflict, decision));
    return value === "" || value.endsWith("\n") || !old.endsWith("\n") ? value : `${value}\n`;
  });
  return { text: parts.join(""), conflicts, report };
}

/** @throws DocumentRefusedError */
export function refuseText(text: string): void {
  refuseSize(text);
}

/** With their ends, so that nothing of them is lost. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function lineSegment({ line, base }: Chunk): string {
  if (base.length === 0) return line === 0 ? "before line 1" : `after line ${line}`;
  return base.length === 1 ? `line ${line + 1}` : `lines ${line + 1}-${line + base.length}`;
}

function chunksOf(base: readonly string[], ours: readonly string[], theirs: readonly string[]): Chunk[] {
  const inOurs = matches(base, ours);
  const inTheirs = matches(base, theirs);
  const chunks: Chunk[] = [];
  let [from, fromOurs, fromTheirs] = [0, 0, 0];
  const close = (to: number, toOurs: number, toTheirs: number): void => {
    const chunk = {
      line: from,
      base: base.slice(from, to),
      ours: ours.slice(fromOurs, toOurs),
      theirs: theirs.slice(fromTheirs, toTheirs),
    };
    if (chunk.base.length + chunk.ours.length + chunk.theirs.length > 0) chunks.push(chunk);
    [from, fromOurs, fromTheirs] = [to, toOurs, toTheirs];
  };
  for (const index of base.keys()) {
    const [our, their] = [inOurs[index], inTheirs[index]];
    if (our === undefined || their === undefined) continue;
    close(index, our, their);
    close(index + 1, our + 1, their + 1);
  }
  close(base.length, ours.length, theirs.length);
  return chunks;
}

/** For each line of the old text, its number in the new one, or undefined. */
function matches(old: readonly string[], new_: readonly string[]): (number | undefined)[] {
  const found: (number | undefined)[] = Array.from({ length: old.length });
  const parts = diffArrays([...old], [...new_], { maxEditLength: MAX_EDITS }) as
    | ReturnType<typeof diffArrays>
    | undefined;
  let [oldLine, newLine] = [0, 0];
  for (const { added, removed, count } of parts ?? []) {
    if (!added && !removed) for (let line = 0; line < count; line += 1) found[oldLine + line] = newLine + line;
    if (!added) oldLine += count;
    if (!removed) newLine += count;
  }
  return found;
}
