import type { Command } from "commander";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
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

/** `rollback-point create | list | restore`: copies inside the database to go back to. */
export function addRollbackPointCommands(program: Command, run: Run): void {
  const group = program
    .command("rollback-point")
    .summary("copies to go back to: create, list, restore")
    .description("Copies of a tenant's data inside the database, to go back to.");

  withExample(
    noWait(versionOption(targetOptions(group.command("create")), "a version that is live for the tenant"))
      .description("Takes a copy of a tenant's data to go back to.")
      .requiredOption("--reason <text>", "why, for whoever reads the list later"),
    'rollback-point create -t acme -m accounting -v 1.5.0 --reason "before the year-end import"',
  ).action((options: VersionedTarget & { reason: string; wait: boolean }, command: Command) =>
    run(command, async (context) => {
      const { version, reason } = options;
      await checkTarget({ ...options, versions: [version] });
      const { runOperation } = await import("./follow-operation.ts");
      await runOperation(context, options, { kind: "rollback-point", version, reason }, options);
    }),
  );

  withExample(
    pageOptions(filterOptions(group.command("list").description("Lists rollback points, newest first."))),
    "rollback-point list -t acme -m accounting",
  ).action((options: PageOptions & Partial<Target>, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module } = options;
      await checkTarget({ tenant, module });
      const filter = { ...(tenant && { tenant }), ...(module && { module }) };
      const client = await connect();
      const { statusText } = await import("../output/migration-text.ts");
      const { sizeText } = await import("../output/size-text.ts");
      const { timeText } = await import("../output/time-text.ts");
      await showList(output, options, (page) => client.listRollbackPoints({ ...page, ...filter }), {
        nothing: "There are no such rollback points.",
        columns: [
          { title: "id", cell: (row) => row.id },
          { title: "tenant", cell: (row) => row.tenant },
          { title: "module", cell: (row) => row.module },
          { title: "version", cell: (row) => row.version },
          { title: "state", cell: (row) => row.state, style: (cell) => statusText(cell, output.colors) },
          { title: "rows", cell: (row) => row.rows, align: "right" },
          { title: "size", cell: (row) => sizeText(row.bytes), align: "right" },
          { title: "taken", cell: (row) => timeText(row.createdAt) },
          { title: "reason", cell: (row) => row.reason },
        ],
      });
    }),
  );

  withExample(
    group
      .command("restore")
      .argument("<id>", "as it was printed, like rp_8f3c2a1b9d04", parseReference)
      .description("Puts a tenant's module back to a rollback point.")
      .option("--accept-data-loss", "says yes to losing the writes that a refusal counted"),
    "rollback-point restore rp_8f3c2a1b9d04",
    "rollback-point restore rp_8f3c2a1b9d04 --accept-data-loss",
  ).action((id: string, options: { acceptDataLoss?: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const { createLiveLine } = await import("../output/live-line.ts");
      const { showMigration } = await import("./follow-operation.ts");
      const live = createLiveLine(context.output);
      live.show(`Going back to ${id}`);
      const { acceptDataLoss = false } = options;
      const migration = await client.restoreFromRollbackPoint(id, { acceptDataLoss }).finally(() => live.clear());
      await showMigration(context, migration);
    }),
  );
}
