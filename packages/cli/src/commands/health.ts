import { type Command, InvalidArgumentError } from "commander";
import type { HealthReport, PlatformStatus } from "@aibos/contract";
import { EXIT } from "../exit-codes.ts";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { checkTarget, filterOptions, type Target } from "./target.ts";

/** `health`: of one tenant's module, or of the platform. */
export function addHealthCommand(program: Command, run: Run): void {
  withExample(
    filterOptions(program.command("health")).description(
      "Checks a tenant's use of a module: data, processes, routing. Exits with 1 when it is unhealthy. Without -t and -m: the platform's gateways and processes.",
    ),
    "health",
    "health -t acme -m accounting",
  ).action((options: Partial<Target>, command: Command) =>
    run(command, async ({ connect, output, endWith }) => {
      const { tenant, module } = options;
      if ((tenant === undefined) !== (module === undefined)) {
        throw new InvalidArgumentError("Give both -t and -m for a tenant's module, or none for the platform.");
      }
      await checkTarget({ tenant, module });
      const client = await connect();
      if (tenant === undefined || module === undefined) {
        const status = await client.getStatus();
        return output.answer(status, () => statusOfPlatform(output, status));
      }
      const report = await client.performHealthCheck(tenant, module);
      await output.answer(report, () => reportText(output, `${tenant}: ${module}`, report));
      if (report.status === "unhealthy") endWith(EXIT.failed);
      return undefined;
    }),
  );
}

async function reportText(
  { colors }: Output,
  about: string,
  { status, checks, issues }: HealthReport,
): Promise<string> {
  const { statusText } = await import("../output/migration-text.ts");
  const lines = checks.map(({ name, ok, detail }) => {
    const mark = ok ? colors.green("✔") : colors.red("✖");
    return `  ${mark} ${oneLine(name)} ${colors.dim(oneLine(detail))}`;
  });
  const told = new Set(checks.map(({ detail }) => detail));
  const more = issues.filter((issue) => !told.has(issue)).map((issue) => `  ${colors.yellow("!")} ${oneLine(issue)}`);
  return [`${about} is ${statusText(status, colors)}`, ...lines, ...more].join("\n");
}

/** A part that was not heard of any more is shown for so long. */
const SHOWN_GONE_MS = 60_000;

async function statusOfPlatform(output: Output, status: PlatformStatus): Promise<string> {
  const { renderTable } = await import("../output/table.ts");
  const { timeText } = await import("../output/time-text.ts");
  const { colors } = output;
  const parts = [
    ...status.controlPlanes.map((one) => ({ ...one, part: "control plane", url: "", revision: null })),
    ...status.gateways.map((one) => ({ ...one, part: "gateway" })),
  ];
  // What ended in order, or long ago, is nobody's worry.
  const rows = parts.filter(({ live, seenAt }) => live || Date.now() - Date.parse(seenAt) < SHOWN_GONE_MS);
  const behind = (revision: number | null): boolean => revision !== null && revision < status.revision;
  const table = renderTable(
    rows,
    [
      { title: "part", cell: (row) => row.part },
      { title: "id", cell: (row) => row.id },
      {
        title: "state",
        cell: (row) => (row.live ? "live" : "gone"),
        style: (cell, row) => (row.live ? colors.green(cell) : colors.dim(cell)),
      },
      { title: "url", cell: (row) => row.url },
      {
        title: "routes",
        align: "right",
        cell: (row) => row.revision,
        style: (cell, row) => (row.live && behind(row.revision) ? colors.yellow(cell) : cell),
      },
      { title: "seen", cell: (row) => timeText(row.seenAt) },
    ],
    output,
  );
  const counts = [
    `${status.tenants} ${status.tenants === 1 ? "tenant" : "tenants"}`,
    `${status.running} ${status.running === 1 ? "operation" : "operations"} under way`,
    `routes at revision ${status.revision}`,
  ].join(", ");
  return [`AI-BOS Versions ${oneLine(status.program)}: ${counts}`, "", table].join("\n");
}
