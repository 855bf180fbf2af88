import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { noWait } from "./operations.ts";
import { parseReference } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { checkTarget, filterOptions, type Target, targetOptions } from "./target.ts";

/** `backup create | list | verify | restore | delete`: copies outside the database. */
export function addBackupCommands(program: Command, run: Run): void {
  const group = program
    .command("backup")
    .summary("copies outside the database: create, list, verify, restore, delete")
    .description("Copies of a tenant's module in files outside the database.");
  const one = (name: string, description: string): Command =>
    group
      .command(name)
      .argument("<id>", "as it was printed, like bk_8f3c2a1b9d04", parseReference)
      .description(description);

  withExample(
    noWait(targetOptions(group.command("create")))
      .description("Writes a tenant's data, customisations, flags and decisions to a file, and reads it back.")
      .option("--reason <text>", "why, for whoever reads the list later"),
    'backup create -t acme -m accounting --reason "end of the year"',
  ).action((options: Target & { reason?: string; wait: boolean }, command: Command) =>
    run(command, async (context) => {
      await checkTarget(options);
      const { reason } = options;
      const { runOperation } = await import("./follow-operation.ts");
      await runOperation(context, options, { kind: "backup", ...(reason !== undefined && { reason }) }, options);
    }),
  );

  withExample(
    pageOptions(filterOptions(group.command("list").description("Lists backups, newest first."))),
    "backup list -t acme -m accounting",
  ).action((options: PageOptions & Partial<Target>, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module } = options;
      await checkTarget({ tenant, module });
      const filter = { ...(tenant && { tenant }), ...(module && { module }) };
      const client = await connect();
      const { sizeText } = await import("../output/size-text.ts");
      const { timeText } = await import("../output/time-text.ts");
      await showList(output, options, (page) => client.listBackups({ ...page, ...filter }), {
        nothing: "There are no such backups.",
        columns: [
          { title: "id", cell: (row) => row.id },
          { title: "tenant", cell: (row) => row.tenant },
          { title: "module", cell: (row) => row.module },
          { title: "version", cell: (row) => row.version },
          { title: "rows", cell: (row) => row.rows, align: "right" },
          { title: "size", cell: (row) => sizeText(row.bytes), align: "right" },
          { title: "taken", cell: (row) => timeText(row.createdAt) },
          { title: "reason", cell: (row) => row.reason },
          { title: "file", cell: (row) => row.file },
        ],
      });
    }),
  );

  withExample(
    one("verify", "Reads every byte of a backup. Exits with 1 when it is not sound."),
    "backup verify bk_8f3c2a1b9d04",
  ).action((id: string, _options: object, command: Command) =>
    run(command, async (context) => {
      const { output } = context;
      const found = await (await context.connect()).verifyBackup(id);
      const { sizeText } = await import("../output/size-text.ts");
      const { plainText } = await import("../output/plain-text.ts");
      await output.answer(found, () =>
        found.problem === null
          ? `${output.colors.green("✔")} ${found.id} is sound: ${found.tables} tables, ${found.rows} rows, ${sizeText(found.bytes)}`
          : `${output.colors.red("✖")} ${found.id} can't be used: ${plainText(found.problem)}`,
      );
      if (!found.isSound) context.endWith(EXIT.failed);
    }),
  );

  withExample(
    one("restore", "Puts a tenant's module back to a backup, at the version that it was made at.").option(
      "--accept-data-loss",
      "says yes to losing the writes that a refusal counted",
    ),
    "backup restore bk_8f3c2a1b9d04",
    "backup restore bk_8f3c2a1b9d04 --accept-data-loss",
  ).action((id: string, options: { acceptDataLoss?: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const { createLiveLine } = await import("../output/live-line.ts");
      const { showMigration } = await import("./follow-operation.ts");
      const live = createLiveLine(context.output);
      live.show(`Going back to ${id}`);
      const { acceptDataLoss = false } = options;
      const migration = await client.restoreFromBackup(id, { acceptDataLoss }).finally(() => live.clear());
      await showMigration(context, migration);
    }),
  );

  withExample(one("delete", "Deletes a backup and its file."), "backup delete bk_8f3c2a1b9d04").action(
    (id: string, _options: object, command: Command) =>
      run(command, async ({ connect, output }) => {
        const deleted = await (await connect()).deleteBackup(id);
        await output.answer(deleted, () => `${output.colors.green("✔")} ${deleted.id} was deleted`);
      }),
  );
}
