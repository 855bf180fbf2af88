import type { Command } from "commander";
import type { RetentionPolicyInput, ShownRetentionPolicy } from "@aibos/contract";
import { withExample } from "./help-example.ts";
import type { CommandContext, Run } from "./command-context.ts";
import { parseCount } from "./option-values.ts";
import { checkTarget, type Target, targetOptions } from "./target.ts";

interface SetOptions {
  readonly tenant?: string;
  readonly module: string;
  readonly backupsLast?: number;
  readonly backupsDays?: number;
  readonly pointsLast?: number;
  readonly pointsDays?: number;
  readonly default?: boolean;
}

/** `retention show | set | apply`: how many copies are kept, and for how long. */
export function addRetentionCommands(program: Command, run: Run): void {
  const group = program
    .command("retention")
    .summary("how long rollback points and backups are kept: show, set, apply")
    .description("How many rollback points and backups are kept, and for how long.");

  withExample(
    group
      .command("show")
      .description("Shows the policy of a tenant's module, or of a module.")
      .requiredOption("-m, --module <id>", "the module")
      .option("-t, --tenant <id>", "the tenant; without it, tenants that have none of their own"),
    "retention show -m accounting -t acme",
  ).action((options: { tenant?: string; module: string }, command: Command) =>
    run(command, async (context) => {
      await checkTarget(options);
      const client = await context.connect();
      const { tenant, module } = options;
      const shown = await (tenant === undefined
        ? client.getModuleRetentionPolicy(module)
        : client.getRetentionPolicy(tenant, module));
      await show(context, options, shown);
    }),
  );

  withExample(
    group
      .command("set")
      .description("Says how many are kept; what the newest or the days keep is kept, and with neither everything is.")
      .requiredOption("-m, --module <id>", "the module")
      .option("-t, --tenant <id>", "the tenant; without it, tenants that have none of their own")
      .option("--backups-last <n>", "the newest so many backups", parseCount)
      .option("--backups-days <n>", "backups younger than so many days", parseCount)
      .option("--points-last <n>", "the newest so many rollback points", parseCount)
      .option("--points-days <n>", "rollback points younger than so many days", parseCount)
      .option("--default", "takes the policy away, so that the one above it holds"),
    "retention set -m accounting --backups-last 10 --backups-days 30 --points-last 5",
    "retention set -m accounting -t acme --default",
  ).action((options: SetOptions, command: Command) =>
    run(command, async (context) => {
      await checkTarget(options);
      const { tenant, module } = options;
      const policy: RetentionPolicyInput | null =
        options.default === true
          ? null
          : {
              backups: { keepLast: options.backupsLast ?? null, keepDays: options.backupsDays ?? null },
              rollbackPoints: { keepLast: options.pointsLast ?? null, keepDays: options.pointsDays ?? null },
            };
      const client = await context.connect();
      const shown = await (tenant === undefined
        ? client.setModuleRetentionPolicy(module, policy)
        : client.setRetentionPolicy(tenant, module, policy));
      await show(context, options, shown);
    }),
  );

  withExample(
    targetOptions(group.command("apply"))
      .description("Drops what the policy does not keep, and tells what. It is done after each operation, too.")
      .option("--dry-run", "only tells"),
    "retention apply -t acme -m accounting --dry-run",
  ).action(({ dryRun = false, ...target }: Target & { dryRun?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget(target);
      const client = await connect();
      const result = await client.applyRetention(target.tenant, target.module, { dryRun });
      const { sizeText } = await import("../output/size-text.ts");
      const { timeText } = await import("../output/time-text.ts");
      await output.answer(result, () =>
        [
          result.dropped.length === 0
            ? `${output.colors.green("✔")} There is nothing to drop.`
            : `${output.colors.green("✔")} ${result.dropped.length} ${dryRun ? "would be dropped" : "dropped"}:`,
          ...result.dropped.map(
            ({ kind, id, version, bytes, createdAt }) =>
              `  ${kind} ${id} of ${version}, ${timeText(createdAt)}, ${sizeText(bytes)}`,
          ),
          ...result.needed.map((id) => `  ${id} is needed by an operation that has not ended, and stays`),
        ].join("\n"),
      );
    }),
  );
}

async function show(
  { output }: CommandContext,
  { tenant, module }: { tenant?: string; module: string },
  shown: ShownRetentionPolicy,
): Promise<void> {
  const { spanText } = await import("../output/time-text.ts");
  const keeps = ({ keepLast, keepDays }: ShownRetentionPolicy["policy"]["backups"]): string => {
    const parts = [
      ...(keepLast === null ? [] : [`the newest ${keepLast}`]),
      ...(keepDays === null ? [] : [`those younger than ${spanText(keepDays * 86_400)}`]),
    ];
    return parts.length === 0 ? "all are kept" : `${parts.join(" and ")} are kept`;
  };
  const whose = tenant === undefined ? `${module}, tenants without a policy of their own` : `${tenant}, ${module}`;
  const sources = { tenant: "the tenant's own", module: "the module's", default: "the default" };
  await output.answer(shown, () =>
    [
      `${output.colors.green("✔")} ${whose}: ${sources[shown.source]} policy`,
      `  backups: ${keeps(shown.policy.backups)}`,
      `  rollback points: ${keeps(shown.policy.rollbackPoints)}`,
    ].join("\n"),
  );
}
