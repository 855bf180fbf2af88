import { type Command, Option } from "commander";
import type { FleetMemberStatus, FleetUpgrade } from "@aibos/contract";
import { oneLine } from "../output/plain-text.ts";
import type { CommandContext, Run } from "./command-context.ts";
import { type FleetFlags, fleetOptions, optionsOf } from "./fleet-options.ts";
import { withExample } from "./help-example.ts";
import { parseReference } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { checkTarget, moduleOption, versionOption } from "./target.ts";

const STATUSES = [
  "planned",
  "running",
  "halted",
  "cancelling",
  "rolling-back",
  "done",
  "cancelled",
  "rolled-back",
] as const satisfies FleetUpgrade["status"][];
const MEMBER_STATUSES = [
  "waiting",
  "deferred",
  "claimed",
  "moving",
  "moved",
  "failed",
  "skipped",
  "cancelled",
  "returning",
  "returned",
  "kept",
] as const satisfies FleetMemberStatus[];
const ID = ["<id>", "as it was printed, like flt_8f3c2a1b9d04", parseReference] as const;

interface StartFlags extends FleetFlags {
  readonly module: string;
  readonly version: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

/** `force-upgrade-all` and `fleet-upgrade …`: all tenants of a module go to a version, in waves and batches. */
export function addFleetCommands(program: Command, run: Run): void {
  const force = versionOption(moduleOption(program.command("force-upgrade-all")), "the version to move to").description(
    "Moves all tenants of a module that are on an older version, in waves and batches, and shows how it goes. It halts by itself when too much fails or the new version does worse. Exits with 1 when it halted, or somebody failed.",
  );
  withExample(
    fleetOptions(force)
      .option("--dry-run", "tells who would go when, and who can't and why; nothing is changed")
      .option("--no-wait", "returns when it has started"),
    "force-upgrade-all -m accounting -v 2.0.0 --batch-size 50 --reason security --max-failures 5%",
  ).action((flags: StartFlags, command: Command) =>
    run(command, async (context) => {
      const { module, version } = flags;
      await checkTarget({ module, versions: [version] });
      const options = optionsOf(flags);
      const client = await context.connect();
      if (flags.dryRun === true) {
        const plan = await client.planFleetUpgrade(module, version, options);
        const { planText } = await import("../output/fleet-text.ts");
        return context.output.answer(plan, () => planText(plan, context.output.colors));
      }
      const started = await client.startFleetUpgrade(module, version, options);
      if (flags.wait === false) return showStarted(context, started);
      const { followFleet } = await import("./follow-fleet.ts");
      context.output.line(
        `${oneLine(started.id)} moves ${started.tenants} tenants to ${oneLine(`${module} ${version}`)}`,
      );
      return followFleet(context, client, started);
    }),
  );

  const group = program
    .command("fleet-upgrade")
    .summary("fleets: list, status, tenants, resume, rollback, cancel, quarantined, release")
    .description("Looks at fleet upgrades, and decides about those that halted.");
  addLooks(group, run);
  addCommands(group, run);
  addQuarantine(group, run);
}

function addLooks(group: Command, run: Run): void {
  withExample(
    group
      .command("status")
      .argument(...ID)
      .description("Shows a fleet upgrade. Exits with 1 when it halted, or somebody failed.")
      .option("-w, --watch", "shows how it goes, until it has ended or halted"),
    "fleet-upgrade status flt_8f3c2a1b9d04 --watch",
  ).action((id: string, { watch = false }: { watch?: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const fleet = await client.getFleetUpgrade(id);
      const { followFleet, showFleet } = await import("./follow-fleet.ts");
      if (!watch || fleet.finishedAt !== null || fleet.status === "halted") return showFleet(context, fleet);
      return followFleet(context, client, fleet);
    }),
  );

  withExample(
    pageOptions(
      group
        .command("list")
        .description("Lists fleet upgrades, newest first.")
        .option("-m, --module <id>", "the module")
        .addOption(new Option("--status <status>", "only those that stand so").choices(STATUSES)),
    ),
    "fleet-upgrade list -m accounting --status halted",
  ).action((options: PageOptions & { module?: string; status?: FleetUpgrade["status"] }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, status } = options;
      await checkTarget({ module });
      const client = await connect();
      const { timeText } = await import("../output/time-text.ts");
      const filter = { ...(module && { module }), ...(status && { status }) };
      await showList(output, options, (page) => client.listFleetUpgrades({ ...page, ...filter }), {
        nothing: "There are no such fleet upgrades.",
        columns: [
          { title: "id", cell: (row) => row.id },
          { title: "to", cell: (row) => `${row.module} ${row.version}` },
          { title: "status", cell: (row) => row.status },
          { title: "moved", align: "right", cell: (row) => row.counts["moved"] ?? 0 },
          { title: "failed", align: "right", cell: (row) => row.counts["failed"] ?? 0 },
          { title: "tenants", align: "right", cell: (row) => row.tenants },
          { title: "created", cell: (row) => timeText(row.createdAt) },
          { title: "why", cell: (row) => row.reason },
        ],
      });
    }),
  );

  withExample(
    pageOptions(
      group
        .command("tenants")
        .argument(...ID)
        .description("Lists a fleet upgrade's tenants in their order, with what came of each.")
        .addOption(new Option("--status <status>", "only tenants that stand so").choices(MEMBER_STATUSES)),
    ),
    "fleet-upgrade tenants flt_8f3c2a1b9d04 --status failed",
  ).action((id: string, options: PageOptions & { status?: FleetMemberStatus }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const client = await connect();
      const filter = options.status === undefined ? {} : { status: options.status };
      await showList(output, options, (page) => client.listFleetMembers(id, { ...page, ...filter }), {
        nothing: "There are no such tenants.",
        columns: [
          { title: "tenant", cell: (row) => row.tenant },
          { title: "from", cell: (row) => row.fromVersion },
          { title: "batch", align: "right", cell: (row) => row.batch },
          { title: "status", cell: (row) => row.status },
          { title: "migration", cell: (row) => row.returnMigrationId ?? row.migrationId },
          { title: "why", cell: (row) => row.reason },
        ],
      });
    }),
  );
}

function addCommands(group: Command, run: Run): void {
  withExample(
    group
      .command("resume")
      .argument(...ID)
      .description("Lets a halted fleet upgrade go on, and releases its version. Failures until now count no more."),
    "fleet-upgrade resume flt_8f3c2a1b9d04",
  ).action((id: string, _options: object, command: Command) =>
    run(command, async (context) => showStarted(context, await (await context.connect()).resumeFleetUpgrade(id))),
  );
  withExample(
    group
      .command("cancel")
      .argument(...ID)
      .description("Starts nothing more. What was moved stays, what runs ends."),
    "fleet-upgrade cancel flt_8f3c2a1b9d04",
  ).action((id: string, _options: object, command: Command) =>
    run(command, async (context) => showStarted(context, await (await context.connect()).cancelFleetUpgrade(id))),
  );
  withExample(
    group
      .command("rollback")
      .argument(...ID)
      .description("Takes back all that a fleet upgrade moved, the last one first, and shows how it goes.")
      .option("--accept-data-loss", "says yes to losing the writes made since tenants were moved")
      .option("--no-wait", "returns when it has started"),
    "fleet-upgrade rollback flt_8f3c2a1b9d04",
  ).action((id: string, options: { acceptDataLoss?: boolean; wait?: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const { acceptDataLoss = false } = options;
      const fleet = await client.rollbackFleetUpgrade(id, { acceptDataLoss });
      if (options.wait === false) return showStarted(context, fleet);
      const { followFleet } = await import("./follow-fleet.ts");
      return followFleet(context, client, fleet);
    }),
  );
}

function addQuarantine(group: Command, run: Run): void {
  withExample(
    pageOptions(
      group
        .command("quarantined")
        .description("Lists versions that halted a fleet upgrade, to which nobody is moved.")
        .option("-m, --module <id>", "the module"),
    ),
    "fleet-upgrade quarantined",
  ).action((options: PageOptions & { module?: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module } = options;
      await checkTarget({ module });
      const client = await connect();
      const { timeText } = await import("../output/time-text.ts");
      await showList(
        output,
        options,
        (page) => client.listQuarantinedVersions({ ...page, ...(module && { module }) }),
        {
          nothing: "No version is quarantined.",
          columns: [
            { title: "module", cell: (row) => row.module },
            { title: "version", cell: (row) => row.version },
            { title: "since", cell: (row) => timeText(row.since) },
            { title: "by", cell: (row) => row.fleetUpgradeId },
            { title: "why", cell: (row) => row.reason },
          ],
        },
      );
    }),
  );
  withExample(
    versionOption(moduleOption(group.command("release")), "the version").description(
      "Lets tenants be moved to a quarantined version again.",
    ),
    "fleet-upgrade release -m accounting -v 2.0.0",
  ).action(({ module, version }: { module: string; version: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module, versions: [version] });
      await (await connect()).releaseVersion(module, version);
      const answer = { module, version };
      await output.answer(answer, () => `${output.colors.green("✔")} ${oneLine(`${module} ${version}`)} is released`);
    }),
  );
}

async function showStarted({ output }: CommandContext, fleet: FleetUpgrade): Promise<void> {
  const { fleetState } = await import("../output/fleet-text.ts");
  const text = `${output.colors.green("✔")} ${fleetState(fleet)}\n  Follow it with: aibos-versions fleet-upgrade status ${oneLine(fleet.id)} --watch`;
  await output.answer(fleet, () => text);
}
