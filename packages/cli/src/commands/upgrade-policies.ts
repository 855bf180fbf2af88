import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { ShownUpgradePolicy, UpgradePolicyInput } from "@aibos/contract";
import { oneLine } from "../output/plain-text.ts";
import { spanText } from "../output/time-text.ts";
import type { CommandContext, Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { checkTarget, type Target, targetOptions, type VersionedTarget, versionOption } from "./target.ts";

/** `upgrade-policy show | set | consent`: what a tenant lets happen without being asked, and when. */
export function addUpgradePolicyCommands(program: Command, run: Run): void {
  const group = program
    .command("upgrade-policy")
    .summary("a tenant's say in fleet upgrades: show, set, consent")
    .description("What a tenant lets happen without being asked, when, and where it is told of it.");

  withExample(
    targetOptions(group.command("show").description("Shows a tenant's policy, and the versions that it agreed to.")),
    "upgrade-policy show -t acme -m accounting",
  ).action((target: Target, command: Command) =>
    run(command, async (context) => {
      await checkTarget(target);
      const client = await context.connect();
      await show(context, target, await client.getUpgradePolicy(target.tenant, target.module));
    }),
  );

  withExample(
    targetOptions(group.command("set"))
      .description("Replaces a tenant's policy. See docs/guides/upgrade-a-fleet.md for its fields.")
      .requiredOption(
        "--policy <json>",
        "the policy as JSON, or @file, which keeps a secret out of the shell's history",
      ),
    "upgrade-policy set -t acme -m accounting --policy @policy.json",
  ).action(({ policy, ...target }: Target & { policy: string }, command: Command) =>
    run(command, async (context) => {
      await checkTarget(target);
      const wanted = await readPolicy(policy);
      const client = await context.connect();
      await show(context, target, await client.setUpgradePolicy(target.tenant, target.module, wanted));
    }),
  );

  withExample(
    versionOption(targetOptions(group.command("consent")), "the version that it agrees to").description(
      "Agrees, for a tenant, to be moved to a version.",
    ),
    "upgrade-policy consent -t acme -m accounting -v 2.0.0",
  ).action((target: VersionedTarget, command: Command) =>
    run(command, async (context) => {
      const { tenant, module, version } = target;
      await checkTarget({ tenant, module, versions: [version] });
      const client = await context.connect();
      await show(context, target, await client.consentToUpgrade(tenant, module, version));
    }),
  );
}

async function show({ output }: CommandContext, target: Target, policy: ShownUpgradePolicy): Promise<void> {
  const { window, automatic, deferUntil, freezes, notices, consents, requireRehearsal } = policy;
  const days = window === null || window.days.length === 0 ? "every day" : window.days.join(", ");
  await output.answer(policy, () =>
    [
      `${output.colors.green("✔")} ${oneLine(`${target.tenant}, ${target.module}`)}`,
      `  without consent: ${automatic === "none" ? "nothing" : `up to ${automatic} changes`}`,
      `  window: ${window === null ? "at any time" : `${window.from} to ${window.to} ${window.timeZone}, ${days}`}`,
      ...(deferUntil === null ? [] : [`  not before ${oneLine(deferUntil)}`]),
      ...(requireRehearsal === null ? [] : [`  only after a rehearsal in the last ${spanText(requireRehearsal)}`]),
      ...freezes.map(({ from, to, reason }) => `  frozen from ${oneLine(`${from} to ${to}: ${reason}`)}`),
      ...(notices === null ? [] : [`  is told at ${oneLine(notices.url)}`]),
      ...(consents.length === 0 ? [] : [`  agreed to ${oneLine(consents.join(", "))}`]),
    ].join("\n"),
  );
}

/** JSON from the command line or, with `@`, from a file; its fields are for the server to check. */
async function readPolicy(text: string): Promise<UpgradePolicyInput> {
  const json = text.startsWith("@") ? await readFile(text.slice(1), "utf8").catch(() => "") : text;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The same answer as for what is JSON and no object.
  }
  throw new InvalidArgumentError('--policy must be a JSON object such as {"automatic": "minor"}, or @file with one.');
}
