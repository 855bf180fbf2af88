import type { Command } from "commander";
import type { Run } from "./command-context.ts";
import { parseFlagKey, parseSegment } from "./flag-changes.ts";
import { withExample } from "./help-example.ts";
import { policyOption, readPolicy } from "./rollout-policy.ts";
import { showRollout } from "./rollouts.ts";
import { checkTarget, moduleOption } from "./target.ts";

interface FlagRolloutOptions {
  readonly module: string;
  readonly variant?: string;
  readonly attribute?: string;
  readonly segment?: string;
  readonly policy?: string;
  readonly insist?: boolean;
}

/** `flags rollout`: a flag goes to users step by step, on evidence, as a version does. */
export function addFlagRolloutCommand(group: Command, run: Run): void {
  withExample(
    moduleOption(group.command("rollout").argument("<flag>", "its key", parseFlagKey))
      .description(
        "Gives a flag's variant to users step by step, and back by itself when requests are worse with it. " +
          'What "rollout" does with a version\'s rollout, it does with this one.',
      )
      .option("--variant <name>", "what users get; of a boolean its true unless told")
      .option("--attribute <name>", "throws the dice for an attribute's values, not for users")
      .option("--segment <name>", "for a segment alone", parseSegment)
      .addOption(policyOption())
      .option("--insist", "starts although the flag was rolled back a short time ago"),
    "flags rollout new_ui_enabled -m accounting --policy '{\"targetSeconds\":86400}'",
  ).action((flag: string, options: FlagRolloutOptions, command: Command) =>
    run(command, async (context) => {
      const { module, variant, attribute, segment, policy, insist } = options;
      await checkTarget({ module });
      const client = await context.connect();
      const rollout = await client.startFlagRollout(module, flag, {
        ...(variant === undefined ? {} : { variant }),
        ...(attribute === undefined ? {} : { by: { attribute } }),
        ...(segment === undefined ? {} : { segment }),
        ...(policy === undefined ? {} : { policy: await readPolicy(policy) }),
        ...(insist === undefined ? {} : { insist }),
      });
      await showRollout(context, rollout);
    }),
  );
}
