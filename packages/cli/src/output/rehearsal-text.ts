import type { RehearsalReport } from "@aibos/contract";
import type { Output } from "./output.ts";
import { oneLine, plainText } from "./plain-text.ts";
import { sizeText } from "./size-text.ts";
import { durationText } from "./time-text.ts";

const SHOWN = 12;

/** A rehearsal's report for people. */
export function rehearsalText(
  { tenant, module }: { readonly tenant: string; readonly module: string },
  report: RehearsalReport,
  { colors }: Pick<Output, "colors">,
): string {
  const mark = report.passed ? colors.green("✔") : colors.red("✖");
  const move = `${tenant}: ${module} ${report.path.map(oneLine).join(" → ")}`;
  const { failure } = report;
  return [
    `${mark} ${move}: the rehearsal ${report.passed ? "passed" : "did not pass"}. Nothing was changed.`,
    `  ${report.rows} rows (${sizeText(report.bytes)}) were copied; a migration would work ${durationText(report.durationMs)} on them.`,
    ...(failure === null
      ? []
      : [`  ${colors.red("✖")} failed at step "${oneLine(failure.step)}": ${plainText(failure.message)}`]),
    ...report.checks.map(
      ({ name, ok, detail }) => `  ${ok ? colors.green("✔") : colors.red("✖")} ${oneLine(`${name}: ${detail}`)}`,
    ),
    ...listed("conflicts", report.conflicts, ({ kind, name, message }) => `${kind} ${name}: ${message}`),
    ...listed(
      "locks that users would wait for",
      report.locks,
      ({ table, blocks, heldMs }) => `${table}: ${blocks} for ${durationText(heldMs)}`,
    ),
    ...listed("rows", report.differences.tables, ({ table, rowsBefore, rowsAfter }) =>
      rowsBefore === rowsAfter
        ? `${table}: other content in ${rowsAfter ?? 0} rows`
        : `${table}: ${rowsBefore ?? "not there"} → ${rowsAfter ?? "gone"}`,
    ),
    ...listed("structure", report.differences.structure, (line) => line, report.differences.structureLines),
  ].join("\n");
}

function listed<T>(title: string, all: readonly T[], text: (one: T) => string, count = all.length): string[] {
  if (count === 0) return [];
  const more = count > SHOWN ? [`    and ${count - SHOWN} more (--json has them)`] : [];
  return [`  ${title}:`, ...all.slice(0, SHOWN).map((one) => `    ${oneLine(text(one)).slice(0, 160)}`), ...more];
}
