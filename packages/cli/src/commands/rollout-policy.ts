import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Output } from "../output/output.ts";
import { oneLine, plainJson } from "../output/plain-text.ts";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { checkTarget, type Target, targetOptions } from "./target.ts";

/** `--policy`, which {@link readPolicy} reads. */
export function policyOption(): Option {
  return new Option(
    "--policy <json>",
    "fields of the manifest's `rollout` as JSON, or @file: they replace those of the release",
  );
}

/** `rollout policy …`: what a tenant's rollouts do differently from the release's policy. */
export function addRolloutPolicyCommands(rollout: Command, run: Run): void {
  const group = rollout
    .command("policy")
    .summary("a tenant's own policy: get, set, reset")
    .description("Says what a tenant's rollouts of a module do differently from the release's policy.");

  withExample(
    targetOptions(group.command("get")).description("Shows what a tenant's rollouts do differently."),
    "rollout policy get -t acme -m accounting",
  ).action((options: Target, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget(options);
      const policy = await (await connect()).getRolloutPolicy(options.tenant, options.module);
      await output.answer(policy, () => policyText(output, options, policy));
    }),
  );

  withExample(
    targetOptions(group.command("set"))
      .description("Replaces what a tenant's rollouts do differently. Rollouts that run go on by the policy they have.")
      .addOption(policyOption().makeOptionMandatory()),
    "rollout policy set -t acme -m accounting --policy @policy.json",
  ).action((options: Target & { policy: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget(options);
      const given = await readPolicy(options.policy);
      const client = await connect();
      await client.setRolloutPolicy(options.tenant, options.module, given);
      const policy = await client.getRolloutPolicy(options.tenant, options.module);
      await output.answer(policy, () => policyText(output, options, policy));
    }),
  );

  withExample(
    targetOptions(group.command("reset")).description(
      "Lets a tenant's rollouts go by the release's policy alone. Rollouts that run go on by the policy they have.",
    ),
    "rollout policy reset -t acme -m accounting",
  ).action((options: Target, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget(options);
      await (await connect()).setRolloutPolicy(options.tenant, options.module, {});
      await output.answer({}, () => policyText(output, options, {}));
    }),
  );
}

/** JSON from the command line or, with `@`, from a file. What it says is checked by the server. */
export async function readPolicy(text: string): Promise<Record<string, unknown>> {
  const json = text.startsWith("@") ? await readFile(text.slice(1), "utf8").catch(notReadable(text)) : text;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The same answer as for what is JSON and no object.
  }
  throw new InvalidArgumentError('--policy must be a JSON object such as {"targetSeconds": 3600}, or @file with one.');
}

function notReadable(text: string) {
  return (error: unknown): never => {
    throw new InvalidArgumentError(`${text.slice(1)} can't be read: ${error instanceof Error ? error.message : ""}`);
  };
}

/** The fields as JSON, so that they can be changed and given to `set`. */
function policyText({ colors }: Output, { tenant, module }: Target, policy: Record<string, unknown>): string {
  const whose = oneLine(`${tenant}: rollouts of ${module}`);
  return Object.keys(policy).length === 0
    ? `${colors.green("✔")} ${whose} go by the release's policy.`
    : `${colors.green("✔")} ${whose} go by the release's policy, but for:\n${plainJson(policy)}`;
}
