import { type Command, InvalidArgumentError } from "commander";
import type { MirrorReport } from "@aibos/contract";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { parsePercent } from "./option-values.ts";
import { policyText } from "./rules.ts";
import { checkTarget, type Target, targetOptions } from "./target.ts";

interface MirrorOptions extends Target {
  readonly to?: string;
  readonly percent: number;
  readonly stop?: boolean;
}

/** `mirror`: a version gets copies of requests, and nobody its answers. */
export function addMirrorCommand(program: Command, run: Run): void {
  withExample(
    targetOptions(program.command("mirror"))
      .description(
        "Copies a share of a tenant's safe requests (GET, HEAD) to a version, throws the answers away, and compares them with what users got. Without --to and --stop: shows what came of it.",
      )
      .option("--to <version>", "a live version that gets the copies")
      .option("--percent <percent>", "share of the safe requests", (text: string) => parsePercent(text), 100)
      .option("--stop", "copies no more"),
    "mirror -t acme -m accounting --to 2.0.0 --percent 10",
    "mirror -t acme -m accounting",
    "mirror -t acme -m accounting --stop",
  ).action((options: MirrorOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, to, percent, stop = false } = options;
      if (stop && to !== undefined) throw new InvalidArgumentError("Give --to or --stop, not both.");
      await checkTarget({ ...options, versions: [to] });
      const client = await connect();
      if (to === undefined && !stop) {
        const report = await client.getMirrorReport(tenant, module);
        return output.answer(report, () => reportText(output, report));
      }
      const policy = await client.setMirror(tenant, module, to === undefined ? null : { version: to, percent });
      return output.answer(policy, () => policyText(output, policy));
    }),
  );
}

function reportText({ colors }: Output, report: MirrorReport): string {
  const { tenant, module, mirror, compared } = report;
  const head = colors.bold(oneLine(`${tenant}: ${module}`));
  if (mirror === null) return `${head} copies no requests.`;
  const share = (count: number): string =>
    `${count}${compared === 0 ? "" : ` (${((100 * count) / compared).toFixed(2)} %)`}`;
  return [
    `${head} copies ${mirror.percent} % of safe requests to ${oneLine(mirror.version)} since ${mirror.since}`,
    `  compared       ${compared}`,
    `  other status   ${share(report.statusDiffers)}`,
    `  other length   ${share(report.sizeDiffers)}`,
    `  not answered   ${report.failed}`,
    `  not sent       ${report.skipped}`,
    `  mean time      ${timeOf(report.mirrorMeanMs)}; users: ${timeOf(report.meanMs)}`,
  ].join("\n");
}

function timeOf(ms: number | null): string {
  return ms === null ? "none" : `${ms.toFixed(1)} ms`;
}
