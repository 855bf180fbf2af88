import type { Command } from "commander";
import type { AddFreezeInput, Freeze } from "@aibos/contract";
import type { CommandContext, Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { parseReference } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { checkTarget, filterOptions, type Target } from "./target.ts";

/** `freeze add | list | remove`: times in which nothing may change. */
export function addFreezeCommands(program: Command, run: Run): void {
  const group = program
    .command("freeze")
    .summary("times in which nothing may change: add, list, remove")
    .description(
      "Times in which no version is brought to a tenant or taken away. Going back is let through, and so is what says --override-freeze.",
    );

  withExample(
    filterOptions(group.command("add"))
      .description("Freezes a tenant's module, a tenant (-t alone), a module (-m alone), or the platform.")
      .requiredOption("--from <time>", "begins then: ISO 8601, in the time zone unless it has an offset")
      .requiredOption("--to <time>", "ends then")
      .option("--time-zone <name>", "that the times are in, such as Europe/Vienna; UTC otherwise")
      .requiredOption("--reason <text>", "why, for whoever is refused"),
    'freeze add --from 2027-12-20T18:00 --to 2028-01-03T06:00 --time-zone Europe/Vienna --reason "holidays"',
    'freeze add -t acme -m accounting --from 2027-03-31T00:00Z --to 2027-04-03T00:00Z --reason "closing of the quarter"',
  ).action((options: Omit<AddFreezeInput, "tenant" | "module"> & Partial<Target>, command: Command) =>
    run(command, async (context) => {
      const { tenant, module, from, to, timeZone, reason } = options;
      await checkTarget({ tenant, module });
      const client = await context.connect();
      const added = await client.addFreeze({
        ...(tenant && { tenant }),
        ...(module && { module }),
        ...(timeZone && { timeZone }),
        from,
        to,
        reason,
      });
      await tell(context, added);
    }),
  );

  withExample(
    pageOptions(
      filterOptions(group.command("list").description("Lists freezes that are on or to come, by their end.")),
    ).option("--past", "also those that are over or were removed"),
    "freeze list",
    "freeze list -t acme --past",
  ).action(({ past = false, ...options }: PageOptions & Partial<Target> & { past?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module } = options;
      await checkTarget({ tenant, module });
      const filter = { ...(tenant && { tenant }), ...(module && { module }), all: past };
      const client = await connect();
      const { timeText } = await import("../output/time-text.ts");
      await showList(output, options, (page) => client.listFreezes({ ...page, ...filter }), {
        nothing: "Nothing is frozen, or will be.",
        columns: [
          { title: "id", cell: (row) => row.id },
          { title: "tenant", cell: (row) => row.tenant ?? "all" },
          { title: "module", cell: (row) => row.module ?? "all" },
          { title: "state", cell: (row) => row.state },
          { title: "from", cell: (row) => timeText(row.from) },
          { title: "to", cell: (row) => timeText(row.to) },
          { title: "reason", cell: (row) => row.reason },
        ],
      });
    }),
  );

  withExample(
    group
      .command("remove")
      .argument("<id>", "as it was printed, like frz_8f3c2a1b9d04", parseReference)
      .description("Ends a freeze before its time. What was scheduled and waits for its end begins soon after."),
    "freeze remove frz_8f3c2a1b9d04",
  ).action((id: string, _options: unknown, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      await tell(context, await client.removeFreeze(id));
    }),
  );
}

async function tell({ output }: CommandContext, freeze: Freeze): Promise<void> {
  const { timeText } = await import("../output/time-text.ts");
  const { oneLine } = await import("../output/plain-text.ts");
  const { id, tenant, module, from, to, state, reason } = freeze;
  const what = [module === null ? "every module" : module, tenant === null ? "of all tenants" : `of ${tenant}`];
  await output.answer(freeze, () =>
    state === "removed"
      ? `${id} was removed: ${what.join(" ")} may change again, unless another freeze is on.`
      : `${id}: ${what.join(" ")} ${state === "on" ? "is frozen" : "will be frozen"} from ${timeText(from)} to ${timeText(to)}: ${oneLine(reason)}`,
  );
}
