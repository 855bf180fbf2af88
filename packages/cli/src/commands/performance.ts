import type { Command } from "commander";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { parseWindow } from "./option-values.ts";
import { checkTarget, type Target, targetOptions } from "./target.ts";

/** `monitor-performance`: what is measured of a tenant's versions. */
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
}
