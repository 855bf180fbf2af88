import { type Command, InvalidArgumentError } from "commander";
import type { FeatureFlags, FlagCheck, FlagChangeRecord, FlagUsage } from "@aibos/contract";
import { EXIT } from "../exit-codes.ts";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import type { Run } from "./command-context.ts";
import { addFlagChangeCommands, parseFlagKey } from "./flag-changes.ts";
import { addFlagFileCommands } from "./flag-files.ts";
import { addFlagRolloutCommand } from "./flag-rollout.ts";
import { withExample } from "./help-example.ts";
import { readJsonObject } from "./json-option.ts";
import { parseCount } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { checkTarget, filterOptions, moduleOption, type Target, targetOptions } from "./target.ts";

type UsageRow = FlagUsage["items"][number];

interface ContextOptions extends Target {
  readonly user?: string;
  readonly attributes?: string;
  readonly version?: string;
}

function contextOptions(command: Command): Command {
  return targetOptions(command)
    .option("-u, --user <id>", "a user of the tenant")
    .option("--attributes <json>", "what else is known of the user, as JSON or @file")
    .option("-v, --version <version>", "one of the tenant's live versions; otherwise the one with most users");
}

async function readContext({ user, attributes, version }: ContextOptions) {
  return {
    ...(user === undefined ? {} : { user }),
    ...(attributes === undefined ? {} : { attributes: await readJsonObject("--attributes", attributes) }),
    ...(version === undefined ? {} : { version }),
  };
}

/** `flags …` and `update-feature-flags`. */
export function addFlagCommands(program: Command, run: Run): void {
  const group = program
    .command("flags")
    .summary(
      "feature flags: list, get, explain, rule, rollout, kill, segment, history, revert, stale, usage, key, codegen, export, import",
    )
    .description("Shows and changes feature flags: what versions declare, and what is set for tenants and users.");
  addFlagChangeCommands(program, group, run);
  addFlagRolloutCommand(group, run);
  addFlagFileCommands(group, run);

  withExample(
    filterOptions(group.command("list")).description(
      "Lists a module's flags; with a tenant, those of its live version and what it gets.",
    ),
    "flags list -t acme -m accounting",
  ).action(({ tenant, module }: Partial<Target>, command: Command) =>
    run(command, async ({ connect, output }) => {
      if (module === undefined) throw new InvalidArgumentError("Name the module: -m <id>.");
      await checkTarget({ tenant, module });
      const client = await connect();
      const flags =
        tenant === undefined ? await client.listModuleFlags(module) : await client.listFeatureFlags(tenant, module);
      await output.answer(flags, () => flagsText(output, flags));
    }),
  );

  withExample(
    contextOptions(group.command("get").argument("<flag>", "its key", parseFlagKey)).description(
      "Evaluates one flag for a tenant, or a user of it. Exits with 1 when evaluating it fails.",
    ),
    "flags get new_ui_enabled -t acme -m accounting --user ann",
  ).action((flag: string, options: ContextOptions, command: Command) =>
    run(command, async ({ connect, output, endWith }) => {
      await checkTarget({ ...options, versions: [options.version] });
      const client = await connect();
      const result = await client.checkFeatureFlag(options.tenant, options.module, flag, await readContext(options));
      await output.answer(result, () => resultText(output, result));
      if (result.errorCode !== null) endWith(EXIT.failed);
    }),
  );

  withExample(
    contextOptions(group.command("explain").argument("<flag>", "its key", parseFlagKey)).description(
      "Evaluates one flag and shows each rule that was looked at, and why.",
    ),
    "flags explain new_ui_enabled -t acme -m accounting --user ann",
  ).action((flag: string, options: ContextOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ ...options, versions: [options.version] });
      const client = await connect();
      const found = await client.explainFeatureFlag(options.tenant, options.module, flag, await readContext(options));
      await output.answer(found, async () =>
        [
          ...found.steps.map(({ rule, outcome, detail }) => `  ${outcome.padEnd(8)} ${oneLine(`${rule}: ${detail}`)}`),
          await resultText(output, found.result),
        ].join("\n"),
      );
    }),
  );

  withExample(
    pageOptions(
      moduleOption(group.command("history").argument("<flag>", "its key", parseFlagKey))
        .option("-t, --tenant <id>", "only changes for this tenant")
        .description("Shows who changed a flag, newest first."),
    ),
    "flags history new_ui_enabled -m accounting",
  ).action((flag: string, options: PageOptions & { module: string; tenant?: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, tenant } = options;
      await checkTarget({ module, tenant });
      const client = await connect();
      const filter = tenant === undefined ? {} : { tenant };
      await showList(output, options, (page) => client.getFlagHistory(module, flag, { ...page, ...filter }), {
        nothing: "Nobody changed it.",
        columns: [
          { title: "REVISION", cell: ({ revision }) => revision, whole: true },
          { title: "WHEN", cell: ({ createdAt }) => createdAt },
          { title: "KIND", cell: ({ kind }) => kind },
          { title: "WHO", cell: ({ author }) => author },
          { title: "TENANT", cell: ({ tenant: whose }) => whose },
          { title: "BEFORE", cell: ({ before }) => changeText(before) },
          { title: "AFTER", cell: ({ after }) => changeText(after) },
          { title: "WHY", cell: ({ reason }: FlagChangeRecord) => reason },
        ],
      });
    }),
  );

  withExample(
    moduleOption(group.command("usage").argument("<flag>", "its key", parseFlagKey))
      .option("--days <n>", "how far back", parseCount, 30)
      .description("Shows how often a flag was evaluated, by day, version and variant."),
    "flags usage new_ui_enabled -m accounting --days 7",
  ).action((flag: string, { module, days }: { module: string; days: number }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module });
      const usage = await (await connect()).getFlagUsage(module, flag, { days });
      await output.answer(usage, async () => {
        if (usage.items.length === 0) return "Nobody evaluated it.";
        const { renderTable } = await import("../output/table.ts");
        return renderTable(
          usage.items,
          [
            { title: "DAY", cell: ({ day }) => day },
            { title: "VERSION", cell: ({ version }) => version },
            { title: "VARIANT", cell: ({ variant }) => variant },
            { title: "EVALUATIONS", cell: ({ evaluations }) => evaluations, align: "right" },
            { title: "SHARE", cell: (row) => shareOf(row, usage.items), align: "right" },
          ],
          output,
        );
      });
    }),
  );
}

/** A variant's part of what a version evaluated on a day. */
function shareOf({ day, version, evaluations }: UsageRow, all: readonly UsageRow[]): string {
  const same = all.filter((row) => row.day === day && row.version === version);
  const sum = same.reduce((total, row) => total + row.evaluations, 0);
  return `${((100 * evaluations) / sum).toFixed(1)} %`;
}

async function flagsText(output: Output, { items, conflicts }: FeatureFlags): Promise<string> {
  if (items.length === 0) return "No flag is declared.";
  const { renderTable } = await import("../output/table.ts");
  const table = renderTable(
    items,
    [
      { title: "FLAG", cell: ({ key }) => key, whole: true },
      { title: "TYPE", cell: ({ type }) => type },
      { title: "KIND", cell: ({ kind }) => kind },
      { title: "DEFAULT", cell: (flag) => JSON.stringify(flag.default) },
      { title: "VALUE", cell: ({ result }) => (result === null ? null : JSON.stringify(result.value)) },
      { title: "REASON", cell: ({ result }) => result?.reason ?? null },
      { title: "VERSIONS", cell: ({ versions }) => versions.join(", ") },
      { title: "KILLED", cell: ({ killedAt }) => killedAt },
    ],
    output,
  );
  const lines = conflicts.map(({ flag, version, reason }) =>
    oneLine(`! ${flag} did not come along to ${version}: ${reason}`),
  );
  return [table, ...lines].join("\n");
}

async function resultText({ colors }: Output, result: FlagCheck): Promise<string> {
  const { key, value, variant, reason, errorMessage, version } = result;
  const named = variant === null ? "" : ` (${variant})`;
  const why = errorMessage ?? `${reason}, as ${version} declares it`;
  return oneLine(`${colors.green("✔")} ${key} = ${JSON.stringify(value)}${named}: ${why}`);
}

function changeText(changes: unknown): string {
  if (!Array.isArray(changes)) return "";
  return changes
    .map((change: Record<string, unknown>) =>
      JSON.stringify(change["setting"] ?? change["killed"] ?? change["when"] ?? null),
    )
    .join(" ");
}
