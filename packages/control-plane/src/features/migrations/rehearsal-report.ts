import { z } from "zod";
import { type RehearsalReport, rehearsalReportSchema } from "@aibos/contract";
import type { MigrationFailure } from "../../db/control-tables.ts";

/** An entry of a rehearsal's ledger. */
export interface RehearsedStep {
  readonly name: string;
  readonly title: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly started_at: Date;
  readonly finished_at: Date | null;
}

interface Rehearsal {
  readonly fromVersion: string | null;
  readonly toVersion: string | null;
  readonly path: readonly string[];
  readonly steps: readonly RehearsedStep[];
  readonly failure: MigrationFailure | null;
}

const recordedTables = z.array(z.object({ name: z.string(), rows: z.number(), checksum: z.string() }));
const recordedLocks = z.array(z.object({ table: z.string(), mode: z.string(), ms: z.number() }));
const { conflicts: recordedConflicts, checks: recordedChecks, digests: recordedDigests } = rehearsalReportSchema.shape;
const recordedLines = z.array(z.string());

type Rows = z.infer<typeof recordedTables>;
type Lock = z.infer<typeof recordedLocks>[number];

/** Steps that only a rehearsal has: a migration does not take their time. */
const NOT_OF_A_MIGRATION: ReadonlySet<string> = new Set([
  "rehearsal-copy",
  "rehearsal-conflicts",
  "rehearsal-compare",
  "rehearsal-drop",
]);
/** Tables that the engine keeps for itself, whose rows tell nobody anything. */
const OWN_TABLE = /^aibos_/;
const LOCKS = 30;

/** Puts together what a rehearsal's steps recorded. */
export function reportRehearsal({ fromVersion, toVersion, path, steps, failure }: Rehearsal): RehearsalReport {
  const detailOf = (name: string): RehearsedStep["detail"] => steps.find((step) => step.name === name)?.detail ?? {};
  const copied = detailOf("rehearsal-copy");
  const compared = detailOf("rehearsal-compare");
  const phases = steps
    .filter((step) => step.finished_at !== null)
    .map((step, index) => ({ step: step.name, title: step.title, ms: durationOf(step, steps[index + 1]) }));
  const conflicts = recordedConflicts.catch([]).parse(detailOf("rehearsal-conflicts")["conflicts"]);
  if (failure?.code === "AIBOS_CUSTOM_FIELD_CONFLICT") {
    conflicts.push({ kind: "custom-field", name: failure.step, message: failure.message });
  }
  const checks = steps.flatMap(({ detail }) => recordedChecks.catch([]).parse(detail["checks"]));
  return {
    passed: failure === null && checks.every(({ ok }) => ok) && conflicts.every(({ kind }) => kind === "flag"),
    fromVersion: fromVersion ?? "",
    toVersion: toVersion ?? "",
    path: [...path],
    digests: recordedDigests.catch({}).parse(copied["digests"]),
    rows: Number(copied["rows"] ?? 0),
    bytes: Number(copied["bytes"] ?? 0),
    durationMs: phases.reduce((sum, { step, ms }) => sum + (NOT_OF_A_MIGRATION.has(step) ? 0 : ms), 0),
    phases,
    locks: longestLocks(steps.flatMap(({ detail }) => recordedLocks.catch([]).parse(detail["locks"]))),
    conflicts,
    differences: {
      tables:
        compared["tables"] === undefined
          ? []
          : differingTables(recordedTables.parse(copied["tables"]), recordedTables.parse(compared["tables"])),
      structure: recordedLines.catch([]).parse(compared["structure"]),
      structureLines: Number(compared["structureLines"] ?? 0),
    },
    checks,
    failure,
  };
}

/** A step that was undone ended when the next one began: its entry has the time of the undoing. */
function durationOf({ started_at: from, finished_at: to }: RehearsedStep, next: RehearsedStep | undefined): number {
  const end = Math.min(to?.getTime() ?? 0, next?.started_at.getTime() ?? Number.POSITIVE_INFINITY);
  return Math.max(0, end - from.getTime());
}

function longestLocks(locks: readonly Lock[]): RehearsalReport["locks"] {
  const longest = new Map<string, Lock>();
  for (const lock of locks) {
    const key = `${lock.table} ${lock.mode}`;
    if ((longest.get(key)?.ms ?? -1) < lock.ms) longest.set(key, lock);
  }
  return [...longest.values()]
    .sort((a, b) => b.ms - a.ms)
    .slice(0, LOCKS)
    .map(({ table, mode, ms }) => ({
      table,
      mode,
      blocks: mode === "AccessExclusiveLock" ? "reads and writes" : "writes",
      heldMs: Math.round(ms * 10) / 10,
    }));
}

function differingTables(before: Rows, after: Rows): RehearsalReport["differences"]["tables"] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].filter((name) => !OWN_TABLE.test(name));
  return names.sort().flatMap((table) => {
    const [then, now] = [before, after].map((rows) => rows.find(({ name }) => name === table));
    if (then !== undefined && now !== undefined && then.checksum === now.checksum) return [];
    return [{ table, rowsBefore: then?.rows ?? null, rowsAfter: now?.rows ?? null }];
  });
}
