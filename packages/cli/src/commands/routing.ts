import { type Command, InvalidArgumentError, Option } from "commander";
import type { Routing, StickinessOptions, VersionRoutingInput } from "@aibos/contract";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { parsePair, parsePercent } from "./option-values.ts";
import { checkTarget, type Target, targetOptions, trafficOption } from "./target.ts";

interface StickinessFlags {
  readonly stickiness?: StickinessOptions["stickiness"];
  readonly drainSeconds?: number;
}

interface RoutingOptions extends Target, StickinessFlags {
  readonly old: string;
  readonly new: string;
  readonly routing: VersionRoutingInput["routing"];
  readonly traffic?: number;
}

const STICKINESS = ["break", "drain", "keep"] as const satisfies StickinessOptions["stickiness"][];
const ROUTINGS = ["gradual", "immediate", "percentage"] as const satisfies VersionRoutingInput["routing"][];

/** `set-routing` and `set-traffic`: which users see which of the versions that run side by side. */
export function addRoutingCommands(program: Command, run: Run): void {
  const routing = targetOptions(program.command("set-routing"))
    .description("Shares traffic between an old and a new version that run side by side.")
    .requiredOption("--old <version>", "the version that users come from")
    .requiredOption("--new <version>", "the version that users go to")
    .addOption(
      new Option(
        "--routing <way>",
        "gradual: a rollout by the policy, or its next step; immediate: all; percentage: as --traffic says",
      )
        .choices(ROUTINGS)
        .makeOptionMandatory(),
    );
  withExample(
    stickinessOptions(trafficOption(routing)),
    "set-routing -t acme -m accounting --old 1.0.0 --new 1.5.0 --routing percentage --traffic 20",
  ).action((options: RoutingOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, old, new: next, routing: way, traffic } = options;
      if (way === "percentage" && traffic === undefined) {
        throw new InvalidArgumentError("--routing percentage needs --traffic <percent>, the new version's share.");
      }
      await checkTarget({ ...options, versions: [old, next] });
      const client = await connect();
      const routed = await client.updateVersionRouting(
        tenant,
        module,
        {
          oldVersion: old,
          newVersion: next,
          routing: way,
          ...(traffic === undefined ? {} : { trafficSplit: traffic }),
        },
        stickinessOf(options),
      );
      await output.answer(routed, () => {
        const by = routed.rolloutId === null ? "" : `\n  Rollout ${oneLine(routed.rolloutId)} goes on from here.`;
        return `${routingText(output, routed)}${by}`;
      });
    }),
  );

  withExample(
    stickinessOptions(
      targetOptions(
        program.command("set-traffic").argument("<shares...>", "version=percent for each live version"),
      ).description("Sets each live version's share of the tenant's users, in percent: together 100."),
    ),
    "set-traffic -t acme -m accounting 1.0.0=80 1.5.0=20",
    "set-traffic -t acme -m accounting 1.0.0=100 1.5.0=0 --stickiness drain --drain-seconds 600",
  ).action((shares: readonly string[], options: Target & StickinessFlags, command: Command) =>
    run(command, async ({ connect, output }) => {
      const split = await parseShares(shares);
      await checkTarget(options);
      const { tenant, module } = options;
      const routed = await (await connect()).updateTrafficSplit(tenant, module, split, stickinessOf(options));
      await output.answer(routed, () => routingText(output, routed));
    }),
  );
}

function stickinessOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--stickiness <way>",
        "users who are on a version that loses them: break: they move at once; drain: they stay for a while; keep: they stay while it serves",
      )
        .choices(STICKINESS)
        .default("break"),
    )
    .option("--drain-seconds <seconds>", "with drain: for how long; 300 unless told", parseSeconds);
}

function stickinessOf({ stickiness, drainSeconds }: StickinessFlags): StickinessOptions {
  if (drainSeconds !== undefined && stickiness !== "drain") {
    throw new InvalidArgumentError("--drain-seconds goes with --stickiness drain.");
  }
  return stickiness === "break" || stickiness === undefined
    ? {}
    : { stickiness, ...(drainSeconds === undefined ? {} : { drainSeconds }) };
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,6}$/.test(text) || seconds < 1 || seconds > 604_800) {
    throw new InvalidArgumentError("It must be whole seconds, up to a week (604800).");
  }
  return seconds;
}

/** @throws InvalidTrafficSplitError, InvalidIdentifierError, InvalidArgumentError */
async function parseShares(shares: readonly string[]): Promise<Record<string, number>> {
  const { parseTrafficSplit } = await import("@aibos/domain");
  const split: Record<string, number> = {};
  for (const [version, percent] of shares.map((share) => parsePair(share, "version=percent"))) {
    if (Object.hasOwn(split, version)) throw new InvalidArgumentError(`Version ${version} is given more than once.`);
    split[version] = parsePercent(percent, `The share of ${version}`);
  }
  parseTrafficSplit(split);
  return split;
}

function routingText({ colors }: Output, { tenant, module, traffic, acknowledged }: Routing): string {
  const shares = Object.entries(traffic).map(([version, percent]) => `${version} ${percent} %`);
  const line = `${colors.green("✔")} ${oneLine(`${tenant}: ${module} ${shares.join(", ")}`)}`;
  return acknowledged ? line : `${line}\n  ${colors.yellow("!")} Not every gateway has applied it yet.`;
}
