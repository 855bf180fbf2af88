import type { Command } from "commander";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { parseDuration } from "./option-values.ts";
import { checkTarget, type Target, targetOptions, type VersionedTarget, versionOption } from "./target.ts";

interface MigrateOptions extends VersionedTarget {
  readonly scheduledTime?: string;
  readonly preserveCustomizations: boolean;
  readonly rollbackOnFailure: boolean;
  readonly observe?: number;
  readonly soak?: number;
  readonly rollbackVersion?: string;
  readonly acceptDataLoss?: boolean;
  readonly requireRehearsal?: number;
  readonly overrideFreeze?: string;
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

/** For operations that a freeze keeps from beginning. */
function overridable(command: Command): Command {
  return command.option("--override-freeze <reason>", "goes on in spite of a freeze, for this reason");
}

/** What changes a tenant's version: durable operations, followed until they end. */
export function addOperationCommands(program: Command, run: Run): void {
  const simple = (
    name: string,
    kind: "install" | "side-by-side" | "complete",
    texts: { description: string; version: string; example: string },
  ): void => {
    const command = overridable(noWait(versionOption(targetOptions(program.command(name)), texts.version)));
    withExample(command.description(texts.description), texts.example).action(
      (options: VersionedTarget & { wait: boolean; overrideFreeze?: string }, self: Command) =>
        run(self, async (context) => {
          const { version, overrideFreeze } = options;
          await checkTarget({ ...options, versions: [version] });
          const { runOperation } = await import("./follow-operation.ts");
          await runOperation(context, options, { kind, version, ...(overrideFreeze && { overrideFreeze }) }, options);
        }),
    );
  };

  simple("install", "install", {
    description: "Gives a tenant a module: its own schema, role and data at this version.",
    version: "the version to begin with",
    example: "install -t acme -m accounting -v 1.0.0",
  });

  withExample(
    overridable(noWait(versionOption(targetOptions(program.command("migrate-tenant")), "the version to move to")))
      .description("Moves a tenant to another version, step by step; a failure puts everything back.")
      .option("--scheduled-time <time>", "starts then: ISO 8601 with an offset or Z")
      .option(
        "--no-preserve-customizations",
        "starts with the new version's defaults instead of carrying customisations along",
      )
      .option(
        "--observe <time>",
        "watches the new version for so long, and goes back when it does not do well",
        parseDuration,
      )
      .option(
        "--soak <time>",
        "keeps the old version's data for so long, so that going back loses nothing",
        parseDuration,
      )
      .option("--no-rollback-on-failure", "stops at a step that fails, or keeps the furthest version that was reached")
      .option(
        "--rollback-version <version>",
        "after an undone failure, goes back further, to this version's rollback point",
      )
      .option("--accept-data-loss", "with --rollback-version: also when writes made since are lost")
      .option(
        "--require-rehearsal <time>",
        "refuses unless a rehearsal of the same releases passed so recently",
        parseDuration,
      )
      .option("--dry-run", "tells what would be done, and changes nothing"),
    "migrate-tenant -t acme -m accounting -v 2.0.0",
    "migrate-tenant -t acme -m accounting -v 2.0.0 --scheduled-time 2027-01-31T02:00:00+01:00",
    "migrate-tenant -t acme -m accounting -v 2.0.0 --observe 5m --soak 2d",
  ).action((options: MigrateOptions, command: Command) =>
    run(command, async (context) => {
      const { version, scheduledTime, preserveCustomizations, observe, soak, ...failure } = options;
      const { rollbackOnFailure, rollbackVersion, acceptDataLoss, requireRehearsal, overrideFreeze } = failure;
      await checkTarget({ ...options, versions: [version, rollbackVersion] });
      if (options.dryRun === true) {
        const { showValidation } = await import("./migrations.ts");
        return showValidation(context, options);
      }
      const { runOperation } = await import("./follow-operation.ts");
      return runOperation(
        context,
        options,
        {
          kind: "migrate",
          version,
          rollbackOnFailure,
          ...(preserveCustomizations ? {} : { preserveCustomizations }),
          ...(scheduledTime === undefined ? {} : { scheduledTime }),
          ...(observe === undefined ? {} : { observe }),
          ...(soak === undefined ? {} : { soak }),
          ...(rollbackVersion === undefined ? {} : { rollbackVersion }),
          ...(acceptDataLoss === true ? { acceptDataLoss } : {}),
          ...(requireRehearsal === undefined ? {} : { requireRehearsal }),
          ...(overrideFreeze && { overrideFreeze }),
        },
        options,
      );
    }),
  );

  simple("enable-side-by-side", "side-by-side", {
    description: "Brings a second version up on the tenant's data, with no traffic yet.",
    version: "the version to bring up",
    example: "enable-side-by-side -t acme -m accounting -v 1.5.0",
  });
  simple("complete-migration", "complete", {
    description: "Ends side by side: this version gets all traffic, the other ones are retired.",
    version: "the version that stays",
    example: "complete-migration -t acme -m accounting -v 1.5.0",
  });

  withExample(
    noWait(targetOptions(program.command("rollback-tenant")))
      .description("Takes a tenant back to where the newest change came from, or to a version before.")
      .option("-v, --version <version>", "where to go back to")
      .option("--accept-data-loss", "says yes to losing the writes that a refusal counted"),
    "rollback-tenant -t acme -m accounting",
  ).action((options: Target & { version?: string; acceptDataLoss?: boolean; wait: boolean }, command: Command) =>
    run(command, async (context) => {
      const { version, acceptDataLoss = false } = options;
      await checkTarget({ ...options, versions: [version] });
      const { runOperation } = await import("./follow-operation.ts");
      await runOperation(
        context,
        options,
        { kind: "rollback", acceptDataLoss, ...(version === undefined ? {} : { version }) },
        options,
      );
    }),
  );
}

/** For operations, which the server goes on with whether or not anybody waits. */
export function noWait(command: Command): Command {
  return command.option("--no-wait", "returns as soon as it has started");
}
