import type { Command } from "commander";
import type { Tenant, TenantModule } from "@aibos/contract";
import { withExample } from "./help-example.ts";
import { oneLine } from "../output/plain-text.ts";
import type { CommandContext, Run } from "./command-context.ts";
import { collect, parsePair } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { checkTarget } from "./target.ts";

/** `tenant create | list | show | label | suspend | resume`. */
export function addTenantCommands(program: Command, run: Run): void {
  const tenant = program
    .command("tenant")
    .summary("customers: create, list, show, label, suspend, resume")
    .description("Customers.");

  withExample(
    tenant
      .command("create")
      .argument("<id>", "lower-case letters, digits and single dashes")
      .description("Creates a tenant. Its identifier is part of addresses and never changes.")
      .option("--title <text>", "its name for people")
      .option("--label <key=value>", "a label to find it by; may be given more than once", collect),
    'tenant create acme --title "Acme GmbH" --label plan=gold --label region=eu',
  ).action((id: string, options: { title?: string; label?: readonly string[] }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const labels = Object.fromEntries((options.label ?? []).map((label) => parsePair(label)));
      await checkTarget({ tenant: id });
      const client = await connect();
      const { title } = options;
      const created = await client.createTenant({ id, labels, ...(title === undefined ? {} : { title }) });
      await output.answer(created, () => `${output.colors.green("✔")} Tenant ${oneLine(created.id)} is there`);
    }),
  );

  withExample(
    pageOptions(
      tenant
        .command("list")
        .description("Lists the tenants.")
        .option("--label <key=value>", "only tenants with this label"),
    ),
    "tenant list --label plan=gold --all",
  ).action((options: PageOptions & { label?: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const filter = options.label === undefined ? {} : { label: parsePair(options.label).join("=") };
      const client = await connect();
      const { statusText } = await import("../output/migration-text.ts");
      const { timeText } = await import("../output/time-text.ts");
      await showList(output, options, (page) => client.listTenants({ ...page, ...filter }), {
        nothing: "There are no such tenants. Create one with: aibos-versions tenant create <id>",
        columns: [
          { title: "tenant", cell: (row) => row.id },
          { title: "title", cell: (row) => row.title },
          { title: "labels", cell: labelsOf },
          { title: "state", cell: (row) => row.state, style: (cell) => statusText(cell, output.colors) },
          { title: "created", cell: (row) => timeText(row.createdAt) },
        ],
      });
    }),
  );

  withExample(
    tenant.command("show").argument("<id>", "the tenant").description("Shows a tenant and the modules that it uses."),
    "tenant show acme",
  ).action((id: string, _options: unknown, command: Command) =>
    run(command, async (context) => {
      await checkTarget({ tenant: id });
      const client = await context.connect();
      const [found, modules] = await Promise.all([
        client.getTenant(id),
        client.listTenantModules(id, { limit: 1_000 }),
      ]);
      await context.output.answer({ ...found, modules: modules.items }, () =>
        tenantText(context, found, modules.items),
      );
    }),
  );

  withExample(
    tenant
      .command("label")
      .argument("<id>", "the tenant")
      .argument("<changes...>", "key=value to set, key- to take away")
      .description("Sets labels (key=value) and takes them away (key-)."),
    "tenant label acme plan=platinum trial-",
  ).action((id: string, changes: readonly string[], _options: unknown, command: Command) =>
    run(command, async ({ connect, output }) => {
      const labels = Object.fromEntries(changes.map(parseLabelChange));
      await checkTarget({ tenant: id });
      const labelled = await (await connect()).labelTenant(id, labels);
      await output.answer(
        labelled,
        () => `${output.colors.green("✔")} ${id}: ${oneLine(labelsOf(labelled)) || "no labels"}`,
      );
    }),
  );

  const switches = [
    { name: "suspend", description: "Suspends a tenant: its users get 403 at the gateways, and its data stays." },
    { name: "resume", description: "Takes a suspended tenant back: its users are served again." },
  ] as const;
  for (const { name, description } of switches) {
    withExample(
      tenant.command(name).argument("<id>", "the tenant").description(description),
      `tenant ${name} acme`,
    ).action((id: string, _options: unknown, command: Command) =>
      run(command, async ({ connect, output }) => {
        await checkTarget({ tenant: id });
        const client = await connect();
        const changed = await (name === "suspend" ? client.suspendTenant(id) : client.resumeTenant(id));
        await output.answer(changed, () => {
          const line = `${output.colors.green("✔")} Tenant ${oneLine(changed.id)} is ${changed.state}`;
          const late = `\n  ${output.colors.yellow("!")} Not every gateway has applied it yet.`;
          return changed.acknowledged ? line : line + late;
        });
      }),
    );
  }
}

function parseLabelChange(text: string): readonly [key: string, value: string | null] {
  return text.endsWith("-") && !text.includes("=")
    ? [text.slice(0, -1), null]
    : parsePair(text, "key=value, or key- to take it away");
}

function labelsOf({ labels }: Tenant): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

async function tenantText({ output }: CommandContext, tenant: Tenant, modules: TenantModule[]): Promise<string> {
  const { renderTable } = await import("../output/table.ts");
  const { statusText } = await import("../output/migration-text.ts");
  const { timeText } = await import("../output/time-text.ts");
  const { colors } = output;
  const head = `${colors.bold(oneLine(tenant.title))} ${colors.dim(oneLine(tenant.id))} ${statusText(tenant.state, colors)}`;
  const lines = [head, `Created ${timeText(tenant.createdAt)}; data in store "${oneLine(tenant.dataStore)}"`];
  if (labelsOf(tenant) !== "") lines.push(`Labels ${oneLine(labelsOf(tenant))}`);
  if (modules.length === 0) return [...lines, "Uses no module yet."].join("\n");
  const rows = modules.flatMap((used) => used.instances.map((instance) => ({ used, instance })));
  const table = renderTable(
    rows,
    [
      { title: "module", cell: ({ used }) => used.module },
      { title: "version", cell: ({ instance }) => instance.version },
      { title: "status", cell: ({ instance }) => instance.status, style: (cell) => statusText(cell, colors) },
      { title: "traffic", cell: ({ instance }) => `${instance.traffic} %`, align: "right" },
      { title: "schema", cell: ({ used }) => used.schema },
      {
        title: "under way",
        cell: ({ used }) => (used.operation === null ? null : `${used.operation.kind} ${used.operation.id}`),
      },
    ],
    output,
  );
  return [...lines, "", table].join("\n");
}
