import type { Command } from "commander";
import { withExample } from "./help-example.ts";
import { oneLine } from "../output/plain-text.ts";
import type { Run } from "./command-context.ts";
import { type PageOptions, pageOptions, showList } from "./page-options.ts";
import { checkTarget, moduleOption, versionOption } from "./target.ts";

/** `module list`, `version list`, `migration-path`: what was published, and which ways lead from one to another. */
export function addModuleCommands(program: Command, run: Run): void {
  const module = program.command("module").summary("published modules: list").description("Published modules.");
  withExample(pageOptions(module.command("list").description("Lists the published modules.")), "module list").action(
    (options: PageOptions, command: Command) =>
      run(command, async ({ connect, output }) => {
        const client = await connect();
        await showList(output, options, (page) => client.listModules(page), {
          nothing: "No module was published yet. Publish one with: aibos-versions publish <folder>",
          columns: [
            { title: "module", cell: (row) => row.id },
            { title: "title", cell: (row) => row.title },
            { title: "latest", cell: (row) => row.latestVersion },
            { title: "versions", cell: (row) => row.versions, align: "right" },
            { title: "tenants", cell: (row) => row.tenants, align: "right" },
          ],
        });
      }),
  );

  const version = program.command("version").summary("a module's versions: list").description("A module's versions.");
  withExample(
    pageOptions(
      version
        .command("list")
        .argument("<module>", "the module")
        .description("Lists a module's versions, newest first."),
    ),
    "version list accounting",
  ).action((id: string, options: PageOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module: id });
      const client = await connect();
      const { timeText } = await import("../output/time-text.ts");
      const { colors } = output;
      await showList(output, options, (page) => client.listVersions(id, page), {
        nothing: `No version of ${id} was published yet. Publish one with: aibos-versions publish <folder>`,
        columns: [
          { title: "version", cell: (row) => row.version },
          { title: "upgrades from", cell: (row) => row.upgradesFrom },
          { title: "beside", cell: (row) => row.compatibleWith },
          { title: "driver", cell: (row) => row.driver },
          { title: "tenants", cell: (row) => row.tenants, align: "right" },
          { title: "published", cell: (row) => timeText(row.publishedAt) },
          {
            title: "end of life",
            cell: (row) => row.endOfLife ?? row.deprecatedOn,
            style: (cell) => colors.yellow(cell),
          },
        ],
      });
    }),
  );

  withExample(
    moduleOption(program.command("migration-path"))
      .description("Shows the best way from one version to another, stops included.")
      .requiredOption("--from <version>", "where it begins")
      .requiredOption("--to <version>", "where it leads"),
    "migration-path -m accounting --from 1.0.0 --to 2.0.0",
  ).action((options: { module: string; from: string; to: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module: options.module, versions: [options.from, options.to] });
      const path = await (await connect()).getMigrationPath(options.from, options.to, options.module);
      await output.answer({ path }, () => path.map(oneLine).join(" → "));
    }),
  );
}

/** `register-url` and `deployment list`: where versions run. */
export function addDeploymentCommands(program: Command, run: Run): void {
  withExample(
    versionOption(
      moduleOption(program.command("register-url").argument("<url>", "where it answers, http or https")),
      "the version that runs there",
    ).description("Says where a version runs that you run yourself (runtime driver external)."),
    "register-url -m crm -v 3.1.0 https://crm-3-1.internal:8443",
  ).action((url: string, options: { module: string; version: string }, command: Command) =>
    run(command, async ({ connect, output }) => {
      await checkTarget({ module: options.module, versions: [options.version] });
      const deployment = await (await connect()).registerExternalUrl(options.module, options.version, url);
      await output.answer(
        deployment,
        () =>
          `${output.colors.green("✔")} ${options.module} ${options.version} runs at ${oneLine(deployment.url ?? url)}`,
      );
    }),
  );

  const deployment = program.command("deployment").summary("running versions: list").description("Running versions.");
  withExample(
    pageOptions(deployment.command("list").description("Lists the module versions that run.")),
    "deployment list",
  ).action((options: PageOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const client = await connect();
      const { statusText } = await import("../output/migration-text.ts");
      await showList(output, options, (page) => client.listDeployments(page), {
        nothing: "No module version runs.",
        columns: [
          { title: "module", cell: (row) => row.module },
          { title: "version", cell: (row) => row.version },
          { title: "state", cell: (row) => row.state, style: (cell) => statusText(cell, output.colors) },
          { title: "url", cell: (row) => row.url },
          { title: "pid", cell: (row) => row.pid, align: "right" },
          { title: "restarts", cell: (row) => row.restarts, align: "right" },
          { title: "tenants", cell: (row) => row.tenants, align: "right" },
          { title: "last error", cell: (row) => row.lastError },
        ],
      });
    }),
  );
}
