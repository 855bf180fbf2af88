import type { MigrationStatistics, VersionUsageStats } from "@aibos/contract";
import type { Output } from "./output.ts";
import { oneLine } from "./plain-text.ts";
import { renderTable } from "./table.ts";
import { durationText } from "./time-text.ts";

/** What came of a module's migrations. */
export function migrationStatisticsText(output: Output, found: MigrationStatistics): string {
  const { rollbacks, hops, times } = found;
  const statuses = Object.entries(found.byStatus).map(([status, count]) => `${count} ${oneLine(status)}`);
  const lines = [
    `${oneLine(found.module)}: ${found.total} migrations${statuses.length === 0 ? "" : ` (${statuses.join(", ")})`}`,
    `  success ${rateText(found.successRate)}; took ${timesText(times)}`,
    `  rolled back ${rateText(rollbacks.rate)}: ${rollbacks.byItself} by itself, ${rollbacks.byHand} by hand`,
    ...rollbacks.causes.map(({ code, step, count }) => `    ${count} × ${oneLine(code)} at "${oneLine(step)}"`),
  ];
  if (hops.length === 0) return lines.join("\n");
  const table = renderTable(
    hops,
    [
      { title: "from", cell: (hop) => hop.fromVersion, whole: true },
      { title: "to", cell: (hop) => hop.toVersion, whole: true },
      { title: "migrations", cell: (hop) => hop.total, align: "right" },
      { title: "success", cell: (hop) => rateText(hop.successRate), align: "right" },
      { title: "half within", cell: (hop) => timeText(hop.times.p50Ms), align: "right" },
      { title: "95 % within", cell: (hop) => timeText(hop.times.p95Ms), align: "right" },
    ],
    output,
  );
  return [...lines, table].join("\n");
}

/** Who uses which version. */
export function versionUsageText(output: Output, { versions, exposure, history }: VersionUsageStats): string {
  const before = history[0];
  const table = renderTable(
    versions,
    [
      { title: "version", cell: ({ version }) => version, whole: true },
      { title: "tenants", cell: ({ tenants }) => tenants, align: "right" },
      { title: `on ${before?.day ?? ""}`, cell: ({ version }) => before?.tenants[version] ?? 0, align: "right" },
      { title: "standing", cell: ({ standing }) => standing },
      { title: "end of life", cell: ({ endOfLife }) => endOfLife ?? "–" },
    ],
    output,
  );
  const exposed = `${exposure.deprecated} on deprecated versions, ${exposure.endOfLife} past their end of life`;
  return `${table}\nTenants: ${exposed}`;
}

function timesText({ averageMs, p50Ms, p95Ms, p99Ms }: MigrationStatistics["times"]): string {
  if (averageMs === null) return "–";
  const [average, half, most, nearlyAll] = [averageMs, p50Ms, p95Ms, p99Ms].map(timeText);
  return `${average} on average, half within ${half}, 95 % within ${most}, 99 % within ${nearlyAll}`;
}

function timeText(ms: number | null): string {
  return ms === null ? "–" : durationText(ms);
}

function rateText(rate: number | null): string {
  return rate === null ? "–" : `${(rate * 100).toFixed(1)} %`;
}
