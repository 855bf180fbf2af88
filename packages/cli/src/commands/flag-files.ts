import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { oneLine } from "../output/plain-text.ts";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";
import { readJsonOption } from "./json-option.ts";
import { checkTarget, moduleOption, versionOption } from "./target.ts";

interface VersionOptions {
  readonly module: string;
  readonly version: string;
  readonly output?: string;
}

/** What `flags` does with files: code, flagd's definitions, stale flags with the places that name them. */
export function addFlagFileCommands(group: Command, run: Run): void {
  withExample(
    moduleOption(group.command("stale"))
      .description("Shows flags that should go, and where code names them. Exits with 1 when there are any.")
      .option("--code <folder>", "looks for them in the source files of a folder"),
    "flags stale -m accounting --code src",
  ).action(({ module, code }: { module: string; code?: string }, command: Command) =>
    run(command, async ({ connect, output, endWith }) => {
      await checkTarget({ module });
      const { items } = await (await connect()).getStaleFlags(module);
      const flags = [...new Set(items.map(({ flag }) => flag))];
      const { findCodeReferences } = await import("../flags/code-references.ts");
      const references = code === undefined ? [] : await findCodeReferences(code, flags);
      await output.answer({ items, references }, () =>
        items.length === 0
          ? `${output.colors.green("✔")} No flag is stale`
          : [
              ...items.map(({ flag, reason, message }) => oneLine(`${flag}: ${reason}: ${message}`)),
              ...references.map(({ flag, file, line }) => `  ${oneLine(`${file}:${line} names ${flag}`)}`),
            ].join("\n"),
      );
      if (items.length > 0) endWith(EXIT.failed);
    }),
  );

  withExample(
    versionOption(moduleOption(group.command("codegen")), "the version whose flags they are")
      .description("Writes TypeScript of a version's flags: constants, and the type of each value.")
      .option("-o, --output <file>", "where to; standard output unless told"),
    "flags codegen -m accounting -v 2.0.0 -o src/flags.ts",
  ).action((options: VersionOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, version } = options;
      await checkTarget({ module, versions: [version] });
      const flags = await (await connect()).getFlagDefinitions(module, version);
      const { flagTypes } = await import("../flags/flag-types.ts");
      const source = flagTypes(module, version, flags);
      if (options.output !== undefined) await writeFile(options.output, source);
      await output.answer({ source }, () => (options.output === undefined ? source.trimEnd() : `✔ ${options.output}`));
    }),
  );

  withExample(
    versionOption(moduleOption(group.command("export")), "the version whose flags they are")
      .description("Writes a version's flags as flagd reads them.")
      .option("-o, --output <file>", "where to; standard output unless told"),
    "flags export -m accounting -v 2.0.0 -o flags.flagd.json",
  ).action((options: VersionOptions, command: Command) =>
    run(command, async ({ connect, output }) => {
      const { module, version } = options;
      await checkTarget({ module, versions: [version] });
      const exported = await (await connect()).exportFlags(module, version);
      for (const left of exported.left) output.aside(`not exported: ${left}`);
      const text = JSON.stringify(exported.document, null, 2);
      if (options.output !== undefined) await writeFile(options.output, `${text}\n`);
      await output.answer(exported, () => (options.output === undefined ? text : `✔ ${options.output}`));
    }),
  );

  withExample(
    group
      .command("import")
      .argument("<file>", "flagd's definitions, as JSON")
      .description(
        "Turns flagd's definitions into the `flags` of a manifest, and prints them as JSON, which is YAML too.",
      )
      .option("-o, --output <file>", "where to; standard output unless told"),
    "flags import flags.flagd.json",
  ).action((file: string, options: { output?: string }, command: Command) =>
    run(command, async ({ output }) => {
      const { importFlagd } = await import("@aibos/domain");
      const { ConfigInvalidError } = await import("@aibos/contract");
      const { flags, problems } = importFlagd(await readJsonOption("<file>", `@${file}`));
      if (problems.length > 0) {
        const told = problems.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
        throw new ConfigInvalidError(`${file} can't be taken over: ${told}.`);
      }
      const text = JSON.stringify({ flags }, null, 2);
      if (options.output !== undefined) await writeFile(options.output, `${text}\n`);
      await output.answer({ flags }, () => (options.output === undefined ? text : `✔ ${options.output}`));
    }),
  );
}
