import { type Command, Option } from "commander";
import type { Migration, MigrationStatus, MigrationValidation } from "@aibos/contract";
import { EXIT } from "../exit-codes.ts";
import type { Output } from "../output/output.ts";
import { oneLine, plainText } from "../output/plain-text.ts";
import { withExample } from "./help-example.ts";
import type { CommandContext, Run } from "./command-context.ts";
import { noWait } from "./operations.ts";
import { parseReference } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import {
  checkTarget,
  filterOptions,
  type Target,
  targetOptions,
  type VersionedTarget,
  versionOption,
} from "./target.ts";

const STATUSES = [
  "scheduled",
  "running",
  "paused",
  "succeeded",
  "failed",
  "rolled-back",
  "cancelled",
] as const satisfies MigrationStatus[];

/** `validate-migration`, `migration-status`, `migration list`: what would happen, and what did. */
export function addMigrationCommands(program: Command, run: Run): void {
  withExample(
    versionOption(targetOptions(program.command("validate-migration")), "the version to move to").description(
      "Tells whether a tenant can be moved now, and what would be done. Changes nothing.",
    ),
    "validate-migration -t acme -m accounting -v 2.0.0",
  ).action((options: VersionedTarget, command: Command) =>
    run(command, async (context) => {
      await checkTarget({ ...options, versions: [options.version] });
      await showValidation(context, options);
    }),
  );

  withExample(
    noWait(versionOption(targetOptions(program.command("rehearse-migration")), "the version to move to")).description(
      "Runs the whole migration on a copy of a tenant's data, and reports. Exits with 1 when it has not passed.",
    ),
    "rehearse-migration -t acme -m accounting -v 2.0.0",
  ).action((options: VersionedTarget & { wait: boolean }, command: Command) =>
    run(command, async (context) => {
      await checkTarget({ ...options, versions: [options.version] });
      const { rehearse } = await import("./rehearse.ts");
      await rehearse(context, options);
    }),
  );

  withExample(
    program
      .command("migration-status")
      .argument("<id>", "as it was printed, like mig_8f3c2a1b9d04", parseReference)
      .description("Shows an operation and its steps. Exits with 1 when it has failed.")
      .option("-w, --watch", "shows its steps as they end, and what is run and said, until it has ended")
      .option("--log", "shows what was run and said, too"),
    "migration-status mig_8f3c2a1b9d04 --watch",
    "migration-status mig_8f3c2a1b9d04 --log",
  ).action((id: string, options: { watch?: boolean; log?: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const migration = await client.getMigration(id);
      if (options.watch === true && migration.finishedAt === null) {
        const { followMigration } = await import("./follow-operation.ts");
        return followMigration(context, client, migration, { withLog: true });
      }
      if (options.log === true) {
        const log = await client.getMigrationLog(id);
        const { logLineText } = await import("../output/step-view.ts");
        await context.output.answer({ ...migration, log }, async () =>
          [
            await migrationText(context.output, migration),
            "",
            ...log.map((line) => `${oneLine(line.step)}${logLineText(line, context.output)}`),
          ].join("\n"),
        );
      } else await context.output.answer(migration, () => migrationText(context.output, migration));
      if (migration.status === "failed" || migration.status === "rolled-back") context.endWith(EXIT.failed);
      return undefined;
    }),
  );

  const group = program
    .command("migration")
    .summary("operations: list, cancel, pause, resume, retry")
    .description("Operations, past and present.");
  const act = (name: "cancel" | "pause" | "resume", description: string): void => {
    withExample(
      group
        .command(name)
        .argument("<id>", "as it was printed, like mig_8f3c2a1b9d04", parseReference)
        .description(description),
      `migration ${name} mig_8f3c2a1b9d04`,
    ).action((id: string, _options: object, command: Command) =>
      run(command, async ({ connect, output }) => {
        const client = await connect();
        const migration = await {
          cancel: () => client.cancelMigration(id),
          pause: () => client.pauseMigration(id),
          resume: () => client.resumeMigration(id),
        }[name]();
        const { askedText } = await import("../output/migration-text.ts");
        await output.answer(migration, () => askedText(migration, output.colors));
      }),
    );
  };
  act("cancel", "Cancels an operation: one that waits never begins, one that runs puts back what it did.");
  act("pause", "Has an operation stop before its next step; while requests are held it goes on until they are not.");
  act("resume", "Has a paused operation go on. A step that failed is tried again.");

  withExample(
    noWait(
      group
        .command("retry")
        .argument("<id>", "as it was printed, like mig_8f3c2a1b9d04", parseReference)
        .description("Tries again what failed: from the failed step where it stopped there, else anew."),
    ),
    "migration retry mig_8f3c2a1b9d04",
  ).action((id: string, options: { wait: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const { followMigration, showMigration } = await import("./follow-operation.ts");
      const migration = await client.retryMigration(id);
      await (options.wait ? followMigration(context, client, migration) : showMigration(context, migration));
    }),
  );

  withExample(
    pageOptions(
      filterOptions(group.command("list").description("Lists operations, newest first.")).addOption(
        new Option("--status <status>", "only operations that stand so").choices(STATUSES),
      ),
    ),
    "migration list -t acme --status failed",
  ).action((options: PageOptions & Partial<Target> & { status?: MigrationStatus }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, status } = options;
      await checkTarget({ tenant, module });
      const filter = { ...(tenant && { tenant }), ...(module && { module }), ...(status && { status }) };
      const client = await connect();
      const { pathText, statusText } = await import("../output/migration-text.ts");
      const { timeText } = await import("../output/time-text.ts");
      await showList(output, options, (page) => client.listMigrations({ ...page, ...filter }), {
        nothing: "There are no such operations.",
        columns: [
          { title: "id", cell: (row) => row.id },
          { title: "tenant", cell: (row) => row.tenant },
          { title: "module", cell: (row) => row.module },
          { title: "what", cell: (row) => row.kind },
          { title: "versions", cell: pathText },
          { title: "status", cell: (row) => row.status, style: (cell) => statusText(cell, output.colors) },
          { title: "when", cell: (row) => timeText(row.scheduledTime ?? row.createdAt) },
        ],
      });
    }),
  );
}

/** Asks whether a move is possible and shows the answer; exit code 1 when it is not. */
export async function showValidation(
  context: CommandContext,
  target: VersionedTarget & { readonly requireRehearsal?: number },
): Promise<void> {
  const { output } = context;
  const client = await context.connect();
  const { tenant, module, version, requireRehearsal } = target;
  const options = requireRehearsal === undefined ? {} : { requireRehearsal };
  const validation = await client.validateMigration(tenant, module, version, options);
  await output.answer(validation, () => validationText(output, target, validation));
  if (!validation.isValid) context.endWith(EXIT.failed);
}

async function validationText(
  { colors }: Output,
  target: VersionedTarget,
  found: MigrationValidation,
): Promise<string> {
  const move = `${target.tenant}: ${target.module} ${found.path.map(oneLine).join(" → ") || target.version}`;
  const { estimateText } = await import("../output/estimate-text.ts");
  const problems = [...found.errors, ...found.warnings].map(({ severity, code, message, wayOut }) => {
    const mark = severity === "error" ? colors.red("✖") : colors.yellow("!");
    const told = `  ${mark} ${plainText(message)} ${colors.dim(oneLine(code))}`;
    return wayOut === undefined ? told : `${told}\n    ${plainText(wayOut)}`;
  });
  const time = found.estimate === null ? [] : [`  ${estimateText(found.estimate)}`];
  if (!found.isValid) return [`${colors.red("✖")} ${move} can't be done now`, ...problems].join("\n");
  const steps = found.steps.map((step, index) => `  ${colors.dim(`${index + 1}.`)} ${oneLine(step)}`);
  const held = found.holdsRequests ? "Requests are held for a moment." : "Requests go on all the time.";
  return [`${colors.green("✔")} ${move} can be done now. ${held}`, ...time, ...problems, ...steps].join("\n");
}

async function migrationText(output: Output, migration: Migration): Promise<string> {
  const { renderTable } = await import("../output/table.ts");
  const { outcomeText, statusText } = await import("../output/migration-text.ts");
  const { durationText, elapsedMs } = await import("../output/time-text.ts");
  const { colors } = output;
  const outcome = outcomeText(migration, colors);
  if (migration.steps.length === 0) return outcome;
  const table = renderTable(
    migration.steps,
    [
      { title: "step", cell: (step) => step.title },
      { title: "status", cell: (step) => step.status, style: (cell) => statusText(cell, colors) },
      {
        title: "took",
        align: "right",
        cell: (step) => (step.finishedAt === null ? null : durationText(elapsedMs(step.startedAt, step.finishedAt))),
      },
      { title: "error", cell: (step) => step.error },
    ],
    output,
  );
  return `${outcome}\n\n${table}`;
}
