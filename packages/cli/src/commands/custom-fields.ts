import { type Command, Option } from "commander";
import type { CustomFields } from "@aibos/contract";
import { CUSTOM_FIELD_TYPES, type CustomFieldType } from "@aibos/domain";
import type { CommandContext, Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { checkTarget, type Target, targetOptions } from "./target.ts";

interface FieldOptions extends Target {
  readonly version?: string;
  readonly author?: string;
}

/** `custom-field …`: columns of a tenant's own on a module's tables. */
export function addCustomFieldCommands(program: Command, run: Run): void {
  const group = program
    .command("custom-field")
    .summary("a tenant's own columns on a module's tables: list, add, drop")
    .description("A tenant's own columns on those of a module's tables that a release lets tenants extend.");
  const ofVersion = (made: Command): Command =>
    targetOptions(made).option(
      "-v, --version <version>",
      "the live version whose tables are named; otherwise the oldest one that is live",
    );
  const ofField = (made: Command): Command =>
    ofVersion(made.argument("<table>", "the module's table").argument("<name>", "the column's name")).option(
      "--author <name>",
      "who does it, for the history",
    );

  withExample(
    ofVersion(group.command("list")).description("Lists the tenant's own columns, and where it may have some."),
    "custom-field list -t acme -m accounting",
  ).action((options: FieldOptions, made: Command) =>
    run(made, async (context) => {
      const { tenant, module, version } = await checked(options);
      await show(context, await (await context.connect()).listCustomFields(tenant, module, version));
    }),
  );

  withExample(
    ofField(group.command("add"))
      .description("Gives a table a column of the tenant's own, which every live version keeps.")
      .addOption(new Option("--type <type>", "the column's type").choices(CUSTOM_FIELD_TYPES).default("text")),
    "custom-field add customers vat_id -t acme -m accounting --type text",
  ).action((table: string, name: string, options: FieldOptions & { type: CustomFieldType }, made: Command) =>
    run(made, async (context) => {
      const { tenant, module, ...more } = await checked(options);
      const field = { table, name, ...only(more), type: options.type };
      await show(context, await (await context.connect()).addCustomField(tenant, module, field));
    }),
  );

  withExample(
    ofField(group.command("drop"))
      .description("Takes a column of the tenant's own away. One that holds values goes only when that is accepted.")
      .option("--accept-data-loss", "its values may be lost", false),
    "custom-field drop customers vat_id -t acme -m accounting --accept-data-loss",
  ).action((table: string, name: string, options: FieldOptions & { acceptDataLoss: boolean }, made: Command) =>
    run(made, async (context) => {
      const { tenant, module, ...more } = await checked(options);
      const field = { table, name, ...only(more), acceptDataLoss: options.acceptDataLoss };
      await show(context, await (await context.connect()).dropCustomField(tenant, module, field));
    }),
  );
}

function only({ version, author }: Pick<FieldOptions, "version" | "author">): Pick<FieldOptions, "version" | "author"> {
  return { ...(version === undefined ? {} : { version }), ...(author === undefined ? {} : { author }) };
}

async function checked(options: FieldOptions): Promise<FieldOptions> {
  await checkTarget({ ...options, versions: [options.version] });
  return options;
}

async function show({ output }: CommandContext, fields: CustomFields): Promise<void> {
  const { renderTable } = await import("../output/table.ts");
  const { oneLine } = await import("../output/plain-text.ts");
  await output.answer(fields, () => {
    const places = Object.entries(fields.allowed).map(([table, types]) => oneLine(`${table} (${types.join(", ")})`));
    const where = places.length === 0 ? `${fields.version} allows none.` : `Allowed on ${places.join("; ")}.`;
    if (fields.items.length === 0) return `The tenant has no columns of its own. ${where}`;
    const table = renderTable(
      fields.items,
      [
        { title: "table", cell: (row) => row.table },
        { title: "column", cell: (row) => row.name },
        { title: "type", cell: (row) => row.type },
      ],
      output,
    );
    return `${table}\n${where}`;
  });
}
