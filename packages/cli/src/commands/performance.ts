import { type Command, InvalidArgumentError } from "commander";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { collect, parseWindow } from "./option-values.ts";
import { checkTarget, moduleOption, type Target, targetOptions } from "./target.ts";

/** `monitor-performance` and `compare-versions`: what is measured of versions. */
export function addPerformanceCommands(program: Command, run: Run): void {
  withExample(
    targetOptions(program.command("monitor-performance"))
      .description(
        "Shows what is measured of a tenant's live versions, until Ctrl-C: requests, failures, response times, what is under way, CPU and memory. With --once or --json: now, and ends.",
      )
      .option("--window <time>", "how far back to look, such as 90s, 15m, 6h, 30d; 60s otherwise", parseWindow)
      .option("--once", "shows it once, and ends"),
    "monitor-performance -t acme -m accounting",
    "monitor-performance -t acme -m accounting --window 24h --once",
  ).action((options: Target & { window?: number; once?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, window, once } = options;
      await checkTarget(options);
      const client = await connect();
      const { performanceText } = await import("../output/performance-text.ts");
      const { createRedrawnBlock } = await import("../output/redrawn-block.ts");
      const block = createRedrawnBlock(output);
      const interrupt = new AbortController();
      const onInterrupt = (): void => interrupt.abort();
      process.once("SIGINT", onInterrupt);
      try {
        const reports = client.monitorVersionPerformance(tenant, module, {
          ...(window !== undefined && { window }),
          signal: interrupt.signal,
        });
        for await (const report of reports) {
          if (output.json) output.document(report);
          else block.show(performanceText(output, report));
          if (once === true || output.json) return;
        }
      } finally {
        process.off("SIGINT", onInterrupt);
        interrupt.abort();
      }
    }),
  );

  withExample(
    moduleOption(program.command("compare-versions"))
      .description(
        "Sets two versions side by side: failures and response times, how much higher those of the second are, and within what interval.",
      )
      .requiredOption("-v, --version <version>", "a version; give two, what is compared with comes first", collect)
      .option("-t, --tenant <id>", "only this tenant's requests; otherwise those of all")
      .option("--window <time>", "how far back to look, such as 90s, 15m, 6h, 30d; 1h otherwise", parseWindow),
    "compare-versions -m accounting -v 1.0.0 -v 1.5.0",
    "compare-versions -m accounting -v 1.0.0 -v 1.5.0 -t acme --window 6h",
  ).action((options: CompareOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, tenant, window, version: versions } = options;
      const [a, b, ...more] = versions;
      if (a === undefined || b === undefined || more.length > 0 || a === b) {
        throw new InvalidArgumentError("Give two versions to compare, each with its own -v.");
      }
      await checkTarget({ tenant, module, versions });
      const client = await connect();
      const { comparisonText } = await import("../output/comparison-text.ts");
      const compared = await client.compareVersions(module, a, b, {
        ...(tenant !== undefined && { tenant }),
        ...(window !== undefined && { window }),
      });
      await output.answer(compared, () => comparisonText(output, compared));
    }),
  );
}

interface CompareOptions {
  readonly module: string;
  readonly version: readonly string[];
  readonly tenant?: string;
  readonly window?: number;
}
