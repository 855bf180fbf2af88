import { type Command, InvalidArgumentError, Option } from "commander";
import type { Routing, VersionRoutingInput } from "@aibos/contract";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { parsePair, parsePercent } from "./option-values.ts";
import { checkTarget, type Target, targetOptions, trafficOption } from "./target.ts";

interface RoutingOptions extends Target {
  readonly old: string;
  readonly new: string;
  readonly routing: VersionRoutingInput["routing"];
  readonly traffic?: number;
}

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
        "gradual: the next of 1, 5, 10, 25, 50, 100 %; immediate: all; percentage: as --traffic says",
      )
        .choices(ROUTINGS)
        .makeOptionMandatory(),
    );
  withExample(
    trafficOption(routing),
    "set-routing -t acme -m accounting --old 1.0.0 --new 1.5.0 --routing percentage --traffic 20",
  ).action((options: RoutingOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, old, new: next, routing: way, traffic } = options;
      if (way === "percentage" && traffic === undefined) {
        throw new InvalidArgumentError("--routing percentage needs --traffic <percent>, the new version's share.");
      }
      await checkTarget({ ...options, versions: [old, next] });
      const client = await connect();
      const routed = await client.updateVersionRouting(tenant, module, {
        oldVersion: old,
        newVersion: next,
        routing: way,
        ...(traffic === undefined ? {} : { trafficSplit: traffic }),
      });
      await output.answer(routed, () => routingText(output, routed));
    }),
  );

  withExample(
    targetOptions(
      program.command("set-traffic").argument("<shares...>", "version=percent for each live version"),
    ).description("Sets each live version's share of the tenant's users, in percent: together 100."),
    "set-traffic -t acme -m accounting 1.0.0=80 1.5.0=20",
  ).action((shares: readonly string[], options: Target, command: Command) =>
    run(command, async ({ connect, output }) => {
      const split = await parseShares(shares);
      await checkTarget(options);
      const routed = await (await connect()).updateTrafficSplit(options.tenant, options.module, split);
      await output.answer(routed, () => routingText(output, routed));
    }),
  );
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
