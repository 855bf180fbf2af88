import type { PerformanceReport, VersionPerformance } from "@aibos/contract";
import type { Output } from "./output.ts";
import { oneLine } from "./plain-text.ts";
import { sizeText } from "./size-text.ts";
import { type Column, renderTable } from "./table.ts";
import { durationText, spanText } from "./time-text.ts";

/** What was measured of a tenant's versions, as a table. */
export function performanceText(output: Output, { tenant, module, at, versions }: PerformanceReport): string {
  const [first] = versions;
  const seconds = first === undefined ? "" : ` in the last ${spanText(first.window.seconds)}`;
  const time = at.replace(/^.*T(\d\d:\d\d:\d\d).*$/, "$1Z");
  const title = `${oneLine(tenant)}: ${oneLine(module)}${seconds} ${output.colors.dim(time)}`;
  return `${title}\n\n${renderTable(versions, columnsOf(output), output)}`;
}

function columnsOf({ colors }: Output): Column<VersionPerformance>[] {
  const right = { align: "right" } as const;
  return [
    { title: "version", cell: (row) => row.version },
    { title: "requests", ...right, cell: (row) => row.requests },
    { title: "per s", ...right, cell: (row) => rateText(row.requestsPerSecond) },
    {
      title: "failed",
      ...right,
      cell: (row) => shareText(row.errorRate),
      style: (cell, row) => ((row.errorRate ?? 0) > 0 ? colors.yellow(cell) : cell),
    },
    { title: "p50", ...right, cell: (row) => latencyText(row.responseTime.p50) },
    { title: "p95", ...right, cell: (row) => latencyText(row.responseTime.p95) },
    { title: "p99", ...right, cell: (row) => latencyText(row.responseTime.p99) },
    { title: "open", ...right, cell: (row) => row.inFlight },
    { title: "cpu", ...right, cell: (row) => (row.cpuUsage === null ? null : `${Math.round(row.cpuUsage * 100)} %`) },
    { title: "memory", ...right, cell: (row) => (row.memoryBytes === null ? null : sizeText(row.memoryBytes)) },
  ];
}

/** A response time: `0.42 ms`, `3.1 ms`, `120 ms`, `2.3 s`. */
export function latencyText(ms: number | null): string | null {
  if (ms === null) return null;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : durationText(ms);
}

/** A share of 1 in percent: `0 %`, `0.04 %`, `1.2 %`, `35 %`. */
export function shareText(share: number | null): string | null {
  if (share === null) return null;
  const percent = share * 100;
  if (percent === 0 || percent >= 10) return `${Math.round(percent)} %`;
  return percent < 0.01 ? "<0.01 %" : `${Number(percent.toPrecision(2))} %`;
}

function rateText(perSecond: number): string {
  if (perSecond === 0 || perSecond >= 100) return String(Math.round(perSecond));
  return perSecond < 0.1 ? "<0.1" : perSecond.toFixed(1);
}
