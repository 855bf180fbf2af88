import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import type { MultiVersionService, Rollout, RolloutCommandName, RolloutStatus } from "@aibos/contract";
import { EXIT } from "../exit-codes.ts";
import type { CommandContext, Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { parseReference } from "./option-values.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { addRolloutPolicyCommands, policyOption, readPolicy } from "./rollout-policy.ts";
import { checkTarget, filterOptions, moduleOption, type Target, versionOption } from "./target.ts";

const STATUSES = ["running", "paused", "promoted", "rolled-back", "aborted"] as const satisfies RolloutStatus[];
const WATCH_MS = 2_000;

interface StartOptions {
  readonly tenant: readonly string[];
  readonly module: string;
  readonly version: string;
  readonly old?: string;
  readonly policy?: string;
  readonly insist?: boolean;
}

const COMMANDS: readonly (readonly [RolloutCommandName, string])[] = [
  ["pause", "Keeps a rollout where it is. It is still watched, and undone when it fails."],
  ["resume", "Lets a paused rollout go on."],
  ["approve", "Opens the gate of the step that a rollout waits for."],
  ["step", "Goes to the next step now, whatever the present one is waiting for."],
  ["promote", "Gives all users the new version now."],
  ["abort", "Gives all users the old version back, and ends the rollout."],
];

/** `rollout …`: users go to a new version step by step, on evidence. */
export function addRolloutCommands(program: Command, run: Run): void {
  const group = program
    .command("rollout")
    .summary("rollouts: start, status, list, pause, resume, approve, step, promote, abort, policy")
    .description("Moves users to a version that runs side by side, step by step, and back when it is worse.");

  const start = versionOption(moduleOption(group.command("start")), "the version that users go to")
    .description("Starts a rollout by the policy of the release, the tenant and --policy. Both versions must be live.")
    .requiredOption("-t, --tenant <ids...>", "the tenants that go along")
    .option("--old <version>", "where users go back to; otherwise the other one of two live versions")
    .addOption(policyOption())
    .option("--insist", "starts although the version was rolled back a short time ago");
  withExample(start, "rollout start -t acme -m accounting -v 1.5.0 --policy @policy.json").action(
    (options: StartOptions, command: Command) =>
      run(command, async (context) => {
        const { tenant, module, version, old, policy, insist } = options;
        for (const one of tenant) await checkTarget({ tenant: one, module, versions: [version, old] });
        const client = await context.connect();
        const rollout = await client.startRollout({
          module,
          tenants: [...tenant],
          newVersion: version,
          ...(old === undefined ? {} : { oldVersion: old }),
          ...(policy === undefined ? {} : { policy: await readPolicy(policy) }),
          ...(insist === undefined ? {} : { insist }),
        });
        await showRollout(context, rollout);
      }),
  );

  withExample(
    group
      .command("status")
      .argument("<id>", "as it was printed, like ro_8f3c2a1b9d04", parseReference)
      .description(
        "Shows a rollout, why it is where it is, and the newest verdict. Exits with 1 when it was rolled back.",
      )
      .option("-w, --watch", "shows each change until it has ended"),
    "rollout status ro_8f3c2a1b9d04 --watch",
  ).action((id: string, { watch = false }: { watch?: boolean }, command: Command) =>
    run(command, async (context) => {
      const client = await context.connect();
      const rollout = watch ? await follow(client, context, id) : await client.getRollout(id);
      await showRollout(context, rollout);
      if (rollout.status === "rolled-back") context.endWith(EXIT.failed);
    }),
  );

  for (const [name, description] of COMMANDS) {
    withExample(
      group
        .command(name)
        .argument("<id>", "as it was printed, like ro_8f3c2a1b9d04", parseReference)
        .description(description),
      `rollout ${name} ro_8f3c2a1b9d04`,
    ).action((id: string, _options: object, command: Command) =>
      run(command, async (context) => {
        const client = await context.connect();
        await showRollout(context, await client.commandRollout(id, name));
      }),
    );
  }

  withExample(
    pageOptions(
      filterOptions(group.command("list").description("Lists rollouts, newest first.")).addOption(
        new Option("--status <status>", "only rollouts that stand so").choices(STATUSES),
      ),
    ),
    "rollout list -m accounting --status running",
  ).action((options: PageOptions & Partial<Target> & { status?: RolloutStatus }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { tenant, module, status } = options;
      await checkTarget({ tenant, module });
      const filter = { ...(tenant && { tenant }), ...(module && { module }), ...(status && { status }) };
      const client = await connect();
      const { subjectText } = await import("../output/rollout-text.ts");
      await showList(output, options, (page) => client.listRollouts({ ...page, ...filter }), {
        nothing: "There are no such rollouts.",
        columns: [
          { title: "id", cell: (row) => row.id, whole: true },
          { title: "module", cell: (row) => row.module },
          { title: "what", cell: subjectText },
          { title: "tenants", align: "right", cell: (row) => row.tenants.length },
          { title: "status", cell: (row) => (isUnderWay(row) ? `${row.status}, ${row.weight} %` : row.status) },
          { title: "why", cell: (row) => row.reason },
        ],
      });
    }),
  );

  addRolloutPolicyCommands(group, run);
}

/** The rollout when it has ended, with a line for each change until then. */
async function follow(client: MultiVersionService, { output }: CommandContext, id: string): Promise<Rollout> {
  const { progressText } = await import("../output/rollout-text.ts");
  for (let shown = ""; ;) {
    const rollout = await client.getRollout(id);
    if (rollout.finishedAt !== null) return rollout;
    if (rollout.reason !== shown) output.line(progressText(output, rollout));
    shown = rollout.reason;
    await sleep(WATCH_MS);
  }
}

export async function showRollout({ output }: CommandContext, rollout: Rollout): Promise<void> {
  await output.answer(rollout, async () => {
    const { rolloutText } = await import("../output/rollout-text.ts");
    return rolloutText(output, rollout);
  });
}

function isUnderWay({ finishedAt }: Rollout): boolean {
  return finishedAt === null;
}
