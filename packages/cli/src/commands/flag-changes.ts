import { type Command, InvalidArgumentError, Option } from "commander";
import type { FlagRuleInput } from "@aibos/contract";
import type { FlagValue } from "@aibos/domain";
import { EXIT } from "../exit-codes.ts";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { readJsonObject, readJsonOption } from "./json-option.ts";
import { parseCount, parseReference } from "./option-values.ts";
import { checkTarget, moduleOption, type Target, targetOptions } from "./target.ts";

interface Note {
  readonly reason?: string;
  readonly author?: string;
}

interface RuleOptions extends Note {
  readonly module: string;
  readonly tenant?: string;
  readonly user?: string;
  readonly segment?: string;
  readonly set?: string;
  readonly clear?: boolean;
}

/** A flag's key, which becomes part of an address. */
export function parseFlagKey(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9_.-]{0,99}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a flag's key, such as new_ui_enabled.");
}

export function parseSegment(text: string): string {
  if (/^[a-z][a-z0-9_-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a segment's name, such as beta-testers.");
}

function noteOptions(command: Command): Command {
  return command
    .option("--reason <text>", "why, for the history")
    .option("--author <name>", "who does it, for the history");
}

function noteOf({ reason, author }: Note): Note {
  return { ...(reason === undefined ? {} : { reason }), ...(author === undefined ? {} : { author }) };
}

/** `update-feature-flags`, and what `flags` changes. */
export function addFlagChangeCommands(program: Command, group: Command, run: Run): void {
  withExample(
    noteOptions(
      targetOptions(program.command("update-feature-flags"))
        .description("Sets a tenant's own values of flags, all or none. null takes a value away.")
        .requiredOption("-f, --flags <json>", "values by flag, as JSON or @file")
        .option("-u, --user <id>", "for this user of the tenant alone"),
    ),
    `update-feature-flags -t acme -m accounting -f '{"new_ui_enabled":true}'`,
  ).action((options: Target & Note & { flags: string; user?: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, flags, user } = options;
      await checkTarget(options);
      const values = (await readJsonObject("--flags", flags)) as Record<string, FlagValue>;
      const client = await connect();
      const updated = await client.updateFeatureFlags(tenant, module, values, {
        ...(user === undefined ? {} : { user }),
        ...noteOf(options),
      });
      await output.answer(updated, () =>
        Object.entries(values)
          .map(
            ([flag, value]) =>
              `${output.colors.green("✔")} ${flag} ${value === null ? "is not set any more" : `= ${JSON.stringify(value)}`}`,
          )
          .join("\n"),
      );
    }),
  );

  withExample(
    noteOptions(
      moduleOption(group.command("rule").argument("<flag>", "its key", parseFlagKey))
        .description("Sets what a flag gives to everybody, or to a segment, a tenant or a user.")
        .option("--segment <name>", "for a segment")
        .option("-t, --tenant <id>", "for a tenant")
        .option("-u, --user <id>", "for a user of the tenant")
        .option("--set <json>", "value, variant, rollout or targeting, and from and until, as JSON or @file")
        .option("--clear", "takes the rule away"),
    ),
    `flags rule new_ui_enabled -m accounting --set '{"rollout":{"percent":20}}'`,
    "flags rule new_ui_enabled -m accounting --clear",
  ).action((flag: string, options: RuleOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, tenant, set, clear = false } = options;
      await checkTarget({ module, tenant });
      if ((set === undefined) !== clear) throw new InvalidArgumentError("Give either --set or --clear.");
      const setting = set === undefined ? null : await readJsonObject("--set", set);
      const client = await connect();
      const revision = await client.setFlagRule(module, flag, ruleOf(options, setting));
      await output.answer({ revision }, () => `${output.colors.green("✔")} ${flag} is changed: revision ${revision}`);
    }),
  );

  withExample(
    noteOptions(
      moduleOption(group.command("kill").argument("<flag>", "its key", parseFlagKey))
        .description("Gives everybody a flag's off variant at once, in every version; --end ends that.")
        .option("--end", "lets the flag's rules count again"),
    ),
    'flags kill ai_insights_enabled -m accounting --reason "too slow"',
  ).action((flag: string, options: Note & { module: string; end?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, end = false } = options;
      await checkTarget({ module });
      const revision = await (await connect()).killFlag(module, flag, !end, noteOf(options));
      await output.answer(
        { revision },
        () => `${output.colors.green("✔")} ${flag} is ${end ? "not killed any more" : "killed"}`,
      );
    }),
  );

  withExample(
    noteOptions(
      moduleOption(group.command("segment").argument("<name>", "as rules call it", parseSegment))
        .description("Says who is in a segment.")
        .addOption(new Option("--when <json>", "JSONLogic, or @file"))
        .option("--remove", "nobody is in it any more"),
    ),
    `flags segment europe -m accounting --when '{"==":[{"var":"tenant.region"},"eu"]}'`,
  ).action((name: string, options: Note & { module: string; when?: string; remove?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, when, remove = false } = options;
      await checkTarget({ module });
      if ((when === undefined) !== remove) throw new InvalidArgumentError("Give either --when or --remove.");
      const logic = when === undefined ? null : await readJsonOption("--when", when);
      const revision = await (await connect()).setFlagSegment(module, name, logic, noteOf(options));
      await output.answer({ revision }, () => `${output.colors.green("✔")} ${name} is changed: revision ${revision}`);
    }),
  );

  withExample(
    moduleOption(group.command("revert").argument("<revision>", "as the history shows it", parseCount))
      .description("Puts back what was set before a change.")
      .option("--author <name>", "who does it, for the history"),
    "flags revert 42 -m accounting",
  ).action((revision: number, options: Pick<Note, "author"> & { module: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module } = options;
      await checkTarget({ module });
      const made = await (await connect()).revertFlagChange(module, revision, noteOf(options));
      await output.answer(
        { revision: made },
        () => `${output.colors.green("✔")} Revision ${revision} is taken back by ${made}`,
      );
    }),
  );

  withExample(
    targetOptions(group.command("key"))
      .description("Makes a key with which a tenant's programs evaluate its flags. It is shown once.")
      .option("--revoke <id>", "makes a key useless instead", parseReference),
    "flags key -t acme -m accounting",
  ).action((options: Target & { revoke?: string }, command: Command) =>
    run(command, async ({ connect, output, endWith }) => {
      await checkTarget(options);
      const client = await connect();
      if (options.revoke !== undefined) {
        await client.revokeFlagKey(options.revoke);
        await output.answer({ id: options.revoke }, () => `${output.colors.green("✔")} ${options.revoke} is revoked`);
        return endWith(EXIT.ok);
      }
      const made = await client.createFlagKey(options.tenant, options.module);
      await output.answer(made, () => [made.key, output.colors.dim(`(${made.id})`)].join("\n"));
    }),
  );
}

function ruleOf(
  { tenant, user, segment, ...note }: RuleOptions,
  setting: Record<string, unknown> | null,
): FlagRuleInput {
  const level =
    segment !== undefined ? "segment" : user !== undefined ? "user" : tenant !== undefined ? "tenant" : "module";
  return {
    level,
    setting,
    ...(segment === undefined ? {} : { segment }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(user === undefined ? {} : { user }),
    ...noteOf(note),
  };
}
