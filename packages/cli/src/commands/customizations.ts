import type { Command } from "commander";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { type PageOptions, pageOptions } from "./page-options.ts";
import { checkTarget, type Target, targetOptions } from "./target.ts";

export interface CustomizationOptions extends Target {
  readonly version?: string;
  readonly author?: string;
}

const NAME = ["<name>", "what is customised, as in the list"] as const;

/** `customization …`: what a tenant changed of a module. */
export function addCustomizationCommands(program: Command, run: Run): void {
  const group = program
    .command("customization")
    .summary("what a tenant changed: list, get, set, edit, diff, history, reset, reapply, hook-secret")
    .description("What tenants change of a module: documents, texts and hooks that a release declares.");
  const command = (name: string, named: boolean): Command => {
    const made = targetOptions(group.command(name));
    return named ? made.argument(...NAME) : made;
  };
  const ofVersion = (made: Command): Command =>
    made.option("-v, --version <version>", "a live version; otherwise the oldest one that is live");
  const byAuthor = (made: Command): Command => made.option("--author <name>", "who does it, for the history");

  withExample(
    ofVersion(command("list", false)).description("Lists what can be changed, and whether it was."),
    "customization list -t acme -m accounting",
  ).action((options: CustomizationOptions, made: Command) =>
    run(made, async (context) => (await work()).listThem(context, await checked(options))),
  );

  withExample(
    ofVersion(command("get", true)).description("Prints the tenant's content, or the default."),
    "customization get settings -t acme -m accounting",
  ).action((name: string, options: CustomizationOptions, made: Command) =>
    run(made, async (context) => (await work()).get(context, await checked(options), name)),
  );

  withExample(
    byAuthor(ofVersion(command("set", true)))
      .description("Stores new content, checked against the version's schema.")
      .requiredOption("-f, --file <file>", 'holds the content; "-" reads standard input'),
    "customization set settings -t acme -m accounting --file settings.yaml",
  ).action((name: string, options: CustomizationOptions & { file: string }, made: Command) =>
    run(made, async (context) => (await work()).set(context, await checked(options), name, options.file)),
  );

  withExample(
    byAuthor(ofVersion(command("edit", true))).description("Opens the content in $EDITOR and stores what is saved."),
    "customization edit invoice -t acme -m accounting",
  ).action((name: string, options: CustomizationOptions, made: Command) =>
    run(made, async (context) => (await work()).edit(context, await checked(options), name)),
  );

  withExample(
    ofVersion(command("diff", true)).description("Shows how the tenant's content differs from the default."),
    "customization diff settings -t acme -m accounting",
  ).action((name: string, options: CustomizationOptions, made: Command) =>
    run(made, async (context) => (await work()).diff(context, await checked(options), name)),
  );

  withExample(
    pageOptions(command("history", true))
      .description("Shows every change, newest first, what each upgrade made of it, and what was kept aside.")
      .option("--diff", "with what changed"),
    "customization history settings -t acme -m accounting --diff",
  ).action((name: string, options: CustomizationOptions & PageOptions & { diff?: boolean }, made: Command) =>
    run(made, async (context) => (await work()).history(context, await checked(options), name, options)),
  );

  withExample(
    byAuthor(ofVersion(command("reset", true))).description("Puts the default back. The history keeps what was there."),
    "customization reset settings -t acme -m accounting",
  ).action((name: string, options: CustomizationOptions, made: Command) =>
    run(made, async (context) => (await work()).reset(context, await checked(options), name)),
  );

  withExample(
    command("hook-secret", false)
      .description("Prints the key that the tenant's webhooks are signed with.")
      .option("--rotate", "makes a new one first; the old one signs nothing any more", false),
    "customization hook-secret -t acme -m accounting",
  ).action((options: CustomizationOptions & { rotate: boolean }, made: Command) =>
    run(made, async ({ connect, output }) => {
      const { tenant, module } = await checked(options);
      const client = await connect();
      const secret = await (options.rotate
        ? client.rotateHookSecret(tenant, module)
        : client.getHookSecret(tenant, module));
      await output.answer({ secret }, () => secret);
    }),
  );

  withExample(
    byAuthor(command("reapply", true))
      .description("Merges it once more, by what is decided now; or puts an entry of its history in place.")
      .option("--entry <id>", "an entry of the history, of the tenant's present version"),
    "customization reapply settings -t acme -m accounting",
    "customization reapply settings -t acme -m accounting --entry 17",
  ).action((name: string, options: CustomizationOptions & { entry?: string }, made: Command) =>
    run(made, async (context) => (await work()).reapply(context, await checked(options), name, options.entry)),
  );
}

function work() {
  return import("../customizations/customization-work.ts");
}

async function checked(options: CustomizationOptions): Promise<CustomizationOptions> {
  await checkTarget({ ...options, versions: [options.version] });
  return options;
}
