import type { Command } from "commander";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { parseDays } from "./option-values.ts";
import { checkTarget } from "./target.ts";

/** `migration-statistics`, `version-usage-stats`: what came of migrations, and who uses what. */
export function addStatisticsCommands(program: Command, run: Run): void {
  withExample(
    program
      .command("migration-statistics")
      .argument("<module>", "the module")
      .description("Counts a module's migrations: what came of them, how long they took, why they were rolled back.")
      .option("--days <n>", "only those that ended on the last so many days, 1 to 400; all otherwise", parseDays),
    "migration-statistics accounting",
    "migration-statistics accounting --days 30",
  ).action((module: string, { days }: { days?: number }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module });
      const client = await connect();
      const statistics = await client.getMigrationStatistics(module, days === undefined ? {} : { days });
      const { migrationStatisticsText } = await import("../output/statistics-text.ts");
      await output.answer(statistics, () => migrationStatisticsText(output, statistics));
    }),
  );

  withExample(
    program
      .command("version-usage-stats")
      .argument("<module>", "the module")
      .description("Counts tenants by version, and those whose version is looked after no more.")
      .option("--days <n>", "how far back the history goes, 1 to 400; 30 otherwise", parseDays),
    "version-usage-stats accounting",
  ).action((module: string, { days }: { days?: number }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module });
      const client = await connect();
      const usage = await client.getVersionUsageStats(module, days === undefined ? {} : { days });
      const { versionUsageText } = await import("../output/statistics-text.ts");
      await output.answer(usage, () => versionUsageText(output, usage));
    }),
  );
}
