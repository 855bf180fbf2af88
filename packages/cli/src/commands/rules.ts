import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { RoutePolicy, RulesInput } from "@aibos/contract";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { checkTarget, type Target, targetOptions, versionOption } from "./target.ts";

/** `set-rules`, `show-rules` and `tester-token`: who gets a version whatever the weights say. */
export function addRuleCommands(program: Command, run: Run): void {
  withExample(
    targetOptions(program.command("set-rules"))
      .description(
        "Replaces the match rules of a tenant's module: requests that meet one get its version, before weights are asked.",
      )
      .option("-f, --file <file>", "JSON with rules and segments; - is standard input")
      .option("--none", "takes all rules away"),
    "set-rules -t acme -m accounting -f rules.json",
    "set-rules -t acme -m accounting --none",
  ).action((options: Target & { file?: string; none?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, file, none = false } = options;
      if ((file === undefined) !== none) throw new InvalidArgumentError("Give either --file or --none.");
      await checkTarget(options);
      const rules = file === undefined ? { rules: [] } : await readRules(file);
      const policy = await (await connect()).setRules(tenant, module, rules);
      await output.answer(policy, () => policyText(output, policy));
    }),
  );

  withExample(
    targetOptions(program.command("show-rules")).description(
      "Shows what decides about a tenant's requests besides weights: rules, segments, mirror, users who keep a version.",
    ),
    "show-rules -t acme -m accounting",
  ).action((options: Target, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget(options);
      const policy = await (await connect()).getRoutePolicy(options.tenant, options.module);
      await output.answer(policy, () => policyText(output, policy));
    }),
  );

  withExample(
    versionOption(targetOptions(program.command("tester-token")), "the live version that it leads to")
      .description("Prints a token that takes who sends it to a version, whatever rules and weights say.")
      .option("--valid-hours <hours>", "for how long; at most 720", parseHours, 8),
    "tester-token -t acme -m accounting -v 2.0.0 --valid-hours 24",
  ).action((options: Target & { version: string; validHours: number }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, version, validHours } = options;
      await checkTarget({ ...options, versions: [version] });
      const client = await connect();
      const made = await client.createTesterToken(tenant, module, version, {
        validSeconds: Math.round(validHours * 3_600),
      });
      await output.answer(made, () =>
        [
          made.token,
          output.colors.dim(`Send it as the header ${made.header} or the cookie ${made.cookie}.`),
          output.colors.dim(`It leads to ${made.module} ${made.version} of ${made.tenant} until ${made.expiresAt}.`),
        ].join("\n"),
      );
    }),
  );
}

/** What is in the file is checked by the server, which tells what is wrong and where. */
async function readRules(file: string): Promise<RulesInput> {
  let text: string;
  try {
    text = await readFile(file === "-" ? "/dev/stdin" : file, "utf8");
  } catch (error) {
    throw new InvalidArgumentError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  try {
    return JSON.parse(text) as RulesInput;
  } catch (error) {
    throw new InvalidArgumentError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function parseHours(text: string): number {
  const hours = Number(text);
  if (text.trim() === "" || !(hours > 0 && hours <= 720))
    throw new InvalidArgumentError("It must be hours, up to 720.");
  return hours;
}

/** A policy for people: one line a rule, a segment, and each of the others. */
export function policyText({ colors }: Output, policy: RoutePolicy): string {
  const { tenant, module, rules, segments, mirror, leaving, acknowledged } = policy;
  const lines = [`${colors.bold(oneLine(`${tenant}: ${module}`))} at revision ${policy.revision}`];
  if (rules.length === 0) lines.push("  No rules: weights decide.");
  for (const [index, { when, version }] of rules.entries()) {
    lines.push(`  ${index + 1}. ${oneLine(when.map(conditionText).join(" and "))} → ${oneLine(version)}`);
  }
  for (const [name, conditions] of Object.entries(segments)) {
    lines.push(`  segment ${oneLine(`${name}: ${conditions.map(conditionText).join(" or ")}`)}`);
  }
  if (mirror !== null) lines.push(`  ${mirror.percent} % of safe requests are copied to ${oneLine(mirror.version)}`);
  if (leaving !== null) {
    const shares = Object.entries(leaving.traffic).map(([version, percent]) => `${version} ${percent} %`);
    lines.push(
      `  Users from before ${leaving.since} keep ${oneLine(shares.join(", "))} ` +
        (leaving.until === null ? "while those versions serve" : `until ${leaving.until}`),
    );
  }
  if (!acknowledged) lines.push(`  ${colors.yellow("!")} Not every gateway has applied it yet.`);
  return lines.join("\n");
}

function conditionText(condition: RoutePolicy["rules"][number]["when"][number]): string {
  switch (condition.kind) {
    case "header":
    case "cookie":
      return `${condition.kind} ${condition.name}${condition.value === undefined ? "" : `=${condition.value}`}`;
    case "path":
      return `path ${condition.prefix}`;
    case "users":
      return condition.users.length > 3
        ? `users ${condition.users.slice(0, 3).join(", ")} and ${condition.users.length - 3} more`
        : `users ${condition.users.join(", ")}`;
    case "percent":
      return `${condition.percent} % of users`;
    case "segment":
      return `segment ${condition.segment}`;
  }
}
