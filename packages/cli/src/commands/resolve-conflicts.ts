import { type Command, Option } from "commander";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { checkTarget, moduleOption } from "./target.ts";

export interface ResolveOptions {
  readonly module: string;
  readonly tenant?: string;
  readonly version?: string;
  readonly from?: string;
  readonly name?: string;
  readonly path?: string;
  readonly strategy?: "tenant" | "vendor" | "value";
  readonly file?: string;
  readonly author?: string;
}

/** `resolve-conflicts`: what stands between tenants and an upgrade, and deciding it. */
export function addResolveConflictsCommand(program: Command, run: Run): void {
  withExample(
    moduleOption(program.command("resolve-conflicts"))
      .summary("decides what stands between tenants and an upgrade")
      .description(
        "Shows conflicts of customisations, each with the tenants behind it, and takes decisions that are used again " +
          "wherever the same three values meet. With -t and -v also why the tenant's modules don't go together with a " +
          "version. Asks in a terminal; decides by --strategy elsewhere. Exits with 1 while something is left.",
      )
      .option("-t, --tenant <id>", "decides for this tenant alone")
      .option(
        "-v, --version <version>",
        "looks at an upgrade to this version; with --from for all tenants, or -t for one",
      )
      .option("--from <version>", "with -v: where the tenants are that are looked at")
      .option("--name <name>", "only conflicts of what is customised under this name")
      .option("--path <path>", "only conflicts at this place, as it is shown")
      .addOption(
        new Option("--strategy <strategy>", "keeps the tenant's, takes the vendor's, or the value of --file").choices([
          "tenant",
          "vendor",
          "value",
        ]),
      )
      .option("-f, --file <file>", 'with --strategy value: JSON or YAML, or lines of a text; "-" reads standard input')
      .option("--author <name>", "who decides, for the record"),
    "resolve-conflicts -m accounting",
    "resolve-conflicts -m accounting --from 1.5.0 -v 2.0.0 --path /invoice/days --strategy tenant",
    "resolve-conflicts -m accounting -t acme -v 2.0.0",
  ).action((options: ResolveOptions, command: Command) =>
    run(command, async (context) => {
      const { tenant, module, version, from } = options;
      await checkTarget({ tenant, module, versions: [version, from] });
      const { resolveConflicts } = await import("../customizations/resolve-conflicts.ts");
      await resolveConflicts(context, options);
    }),
  );
}
