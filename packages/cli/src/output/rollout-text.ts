import type { Rollout, RolloutVerdict } from "@aibos/contract";
import type { Colors } from "./colors.ts";
import type { Output } from "./output.ts";
import { latencyText, shareText } from "./performance-text.ts";
import { oneLine } from "./plain-text.ts";
import { type Column, renderTable } from "./table.ts";
import { wrapText } from "./wrap-text.ts";

/** What users come from and go to: two versions, or a flag's variant and what they have without it. */
export function rolloutSides({ flag, oldVersion, newVersion }: Rollout): { old: string; fresh: string } {
  if (flag !== null) return { old: `without ${flag.variant}`, fresh: flag.variant };
  return { old: oldVersion ?? "", fresh: newVersion ?? "" };
}

/** What a rollout is of, in a few words. */
export function subjectText(rollout: Rollout): string {
  const { flag } = rollout;
  if (flag === null) return `${rollout.oldVersion} → ${rollout.newVersion}`;
  return `${flag.key} = ${flag.variant}${flag.segment === null ? "" : ` for ${flag.segment}`}`;
}

type AnalysisVerdict = RolloutVerdict["analyses"][number];

/** Where a rollout is, why, what its newest verdict rests on, and which tenants are back on the old version. */
export function rolloutText(output: Output, rollout: Rollout): string {
  const { columns, colors } = output;
  const [newest] = rollout.verdicts;
  const told = newest === undefined || rollout.reason.includes(newest.sentence);
  const paragraph = (text: string): string => wrapText(oneLine(text), columns, "  ");
  return [
    `${markOf(rollout, colors)} ${oneLine(rollout.id)} ${stateText(rollout)}`,
    paragraph(rollout.reason),
    ...(told ? [] : [paragraph(newest.sentence)]),
    ...returned(rollout).map(paragraph),
    ...rollout.ejected.map((process) => paragraph(ejectedText(process))),
    ...(newest === undefined || newest.analyses.length === 0 ? [] : ["", reportText(output, rollout, newest)]),
  ].join("\n");
}

/** One look at a rollout that is followed. */
export function progressText({ columns }: Output, rollout: Rollout): string {
  const { weight, status } = rollout;
  const paused = status === "paused" ? ", paused" : "";
  const text = `${weight} % on ${rolloutSides(rollout).fresh}${paused}${stepText(rollout)}: ${rollout.reason}`;
  return wrapText(oneLine(text), columns, "  ").trimStart();
}

function markOf({ status }: Rollout, colors: Colors): string {
  if (status === "rolled-back") return colors.red("✖");
  return status === "paused" || status === "aborted" ? colors.yellow("!") : colors.green("✔");
}

function stateText(rollout: Rollout): string {
  const { module, status, weight } = rollout;
  return oneLine(
    `${module} ${subjectText(rollout)}: ${status}, ${weight} % on ${rolloutSides(rollout).fresh}${stepText(rollout)}`,
  );
}

function stepText({ finishedAt, step, steps }: Rollout): string {
  if (finishedAt !== null) return "";
  return step > steps.length ? ", before the promotion" : `, step ${step} of ${steps.length}`;
}

/** Tenants that are back, together where it is for the same reason. */
function returned({ oldVersion, reason, tenants }: Rollout): string[] {
  const back = tenants.filter(({ status }) => status === "returned" || status === "returning");
  return [...Map.groupBy(back, (tenant) => tenant.reason ?? "")].map(([why, those]) => {
    const names = those.map(({ tenant, status }) => (status === "returning" ? `${tenant} (soon)` : tenant)).join(", ");
    return `Back on ${oldVersion}: ${names}${why === "" || why === reason ? "" : `. ${why}`}`;
  });
}

function ejectedText({ version, url, reason, since, gateways, liveGateways }: Rollout["ejected"][number]): string {
  const which = `${gateways} of ${liveGateways} gateway${liveGateways === 1 ? "" : "s"}`;
  return `Left out by ${which} because of ${reason}, since ${since}: ${version} at ${url}`;
}

function reportText(output: Output, rollout: Rollout, verdict: RolloutVerdict): string {
  const { old, fresh } = rolloutSides(rollout);
  const { colors } = output;
  const right = { align: "right" } as const;
  const analyses: Column<AnalysisVerdict>[] = [
    { title: "analysis", cell: (row) => row.name },
    { title: "level", cell: (row) => row.level },
    { title: old, ...right, cell: (row) => valueText(row, row.old) },
    { title: fresh, ...right, cell: (row) => valueText(row, row.new) },
    { title: "evidence", ...right, cell: (row) => oddsText(row.evidence) },
    { title: "needed", ...right, cell: (row) => oddsText(row.needed) },
    {
      title: "verdict",
      cell: (row) => row.verdict,
      style: (cell, row) =>
        row.verdict === "pass" ? colors.green(cell) : row.verdict === "fail" ? colors.red(cell) : colors.yellow(cell),
    },
  ];
  const tested = verdict.analyses.filter(({ report }) => report !== null);
  const windows: Column<AnalysisVerdict>[] = [
    { title: "windows of the step", cell: (row) => row.name },
    { title: "shift", ...right, cell: ({ report, ...row }) => report && shiftText(row, report.shift) },
    {
      title: "95 % interval",
      ...right,
      cell: ({ report, ...row }) => report && `${shiftText(row, report.low)} to ${shiftText(row, report.high)}`,
    },
    { title: "effect", ...right, cell: ({ report }) => report && signed(report.effect, report.effect.toFixed(2)) },
    { title: "p", ...right, cell: ({ report }) => report && report.pValue.toPrecision(2) },
  ];
  return [
    renderTable(verdict.analyses, analyses, output),
    ...(tested.length === 0 ? [] : ["", renderTable(tested, windows, output)]),
  ].join("\n");
}

function valueText({ measure, unit }: Pick<AnalysisVerdict, "measure" | "unit">, value: number | null): string | null {
  if (value === null) return null;
  if (measure === "error-rate") return shareText(value);
  if (measure === "latency") return latencyText(value);
  return `${Number(value.toPrecision(3))}${unit === "" ? "" : ` ${unit}`}`;
}

function shiftText(row: Pick<AnalysisVerdict, "measure" | "unit">, value: number): string {
  const size = valueText(row, Math.abs(value)) ?? "";
  return signed(value, row.measure === "error-rate" ? size.replace("%", "points") : size);
}

function signed(value: number, size: string): string {
  return value === 0 ? size : `${value < 0 ? "−" : "+"}${size.replace(/^[-−]/, "")}`;
}

/** Odds of which the logarithm is given. */
function oddsText(log: number): string {
  if (log > Math.log(1e6)) return "> 1,000,000 : 1";
  const value = Math.exp(log);
  if (value < 0.05) return "< 0.1 : 1";
  return `${value >= 10 ? Math.round(value).toLocaleString("en-US") : value.toFixed(1)} : 1`;
}
