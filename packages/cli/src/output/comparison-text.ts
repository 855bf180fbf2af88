import type { VersionComparison } from "@aibos/contract";
import type { Output } from "./output.ts";
import { latencyText, shareText } from "./performance-text.ts";
import { oneLine } from "./plain-text.ts";
import { type Column, renderTable } from "./table.ts";
import { spanText } from "./time-text.ts";

type Difference = VersionComparison["differences"][number];

const NAMES: Readonly<Record<Difference["measure"], string>> = {
  errorRate: "failed",
  p50: "response time p50",
  p90: "p90",
  p95: "p95",
  p99: "p99",
};

/** Two versions side by side, with what the differences mean. */
export function comparisonText(
  output: Output,
  { tenant, module, a, b, confidence, differences }: VersionComparison,
): string {
  const { colors } = output;
  const right = { align: "right" } as const;
  const columns: Column<Difference>[] = [
    { title: "", cell: (row) => NAMES[row.measure] },
    { title: a.version, ...right, cell: (row) => valueText(row, row.a) },
    { title: b.version, ...right, cell: (row) => valueText(row, row.b) },
    { title: "difference", ...right, cell: (row) => (row.difference === null ? null : signed(row, row.difference)) },
    { title: `${Math.round(confidence * 100)} % interval`, ...right, cell: intervalText },
    {
      title: "",
      cell: (row) => row.meaning,
      // Higher is worse of everything that is compared here.
      style: (cell, row) =>
        row.meaning === "higher" ? colors.red(cell) : row.meaning === "lower" ? colors.green(cell) : colors.dim(cell),
    },
  ];
  const whose = tenant === null ? "all tenants" : oneLine(tenant);
  const window = spanText(a.window.seconds);
  const counts = [a, b].map(({ version, requests }) => `${oneLine(version)} ${requests}`).join(", ");
  return [
    `${whose}: ${oneLine(module)} in the last ${window}; requests: ${counts}`,
    "",
    renderTable(differences, columns, output),
  ].join("\n");
}

function valueText({ measure }: Difference, value: number | null): string | null {
  return measure === "errorRate" ? shareText(value) : latencyText(value);
}

/** With its sign: `+12 ms`; of shares in percentage points: `−0.4 points`. */
function signed(row: Difference, value: number): string {
  const size = valueText(row, Math.abs(value)) ?? "";
  return `${value < 0 ? "−" : "+"}${row.measure === "errorRate" ? size.replace("%", "points") : size}`;
}

function intervalText(row: Difference): string | null {
  const { low, high } = row;
  if (low === null) return high === null ? null : `at most ${signed(row, high)}`;
  return high === null
    ? `at least ${signed(row, low)}`
    : `${signed(row, low).replace(" points", "")} to ${signed(row, high)}`;
}
