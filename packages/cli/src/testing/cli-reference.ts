import type { Command } from "commander";
import { examplesOf } from "../commands/help-example.ts";
import { EXIT_MEANINGS } from "../exit-codes.ts";
import { commandsOf, createProgram, pathOf } from "../program.ts";

// docs/reference/cli.md is written from the program's own definitions.

const HEAD = `# The command line

\`aibos-versions\` runs a platform on your machine and works with one anywhere. In a clone it is \`npm run aibos-versions -- …\`
or \`npx aibos-versions …\`. Every command's \`--help\` says what is on this page.

## For scripts

With \`--json\` a command prints exactly one JSON document on standard output: the answer as the API has it, or
\`{"error": {"code", "message", …}}\` with the failure's own fields. Without it, answers are on standard output and errors on
standard error. Colours are for terminals only; \`NO_COLOR\` and \`FORCE_COLOR\` decide otherwise. Where a
yes is needed, there is an option that says it. \`resolve-conflicts\` alone asks, in a terminal, and each of its answers has
an option too.
${table([["exit code", "meaning"], ...Object.entries(EXIT_MEANINGS).map((row) => [...row])])}
## Finding the server

The address is \`--url\`, else \`AIBOS_URL\`, else the one that \`up\` wrote into the data folder, else
\`http://127.0.0.1:7400\`. The token is in the file of \`--token-file\`, else \`AIBOS_TOKEN\`, else the file of
\`AIBOS_TOKEN_FILE\`, else the file \`token\` of the data folder; it is never an argument, which other users of the machine
could read. The data folder is \`--data-dir\`, else \`AIBOS_DATA_DIR\`, else \`.aibos\`. A token of \`AIBOS_TOKEN\` is sent to an
address from a data folder only when that is on this machine.

## Options of every command
`;

/** The whole page. */
export function renderCliReference(): string {
  const program = createProgram(async () => undefined);
  const sections = leavesOf(program).map(
    (command) =>
      `## ${pathOf(command)}\n\n${command.description()}\n\n` +
      `\`\`\`\n${examplesOf(command)
        .map((line) => `aibos-versions ${line}`)
        .join("\n")}\n\`\`\`\n` +
      table([["argument or option", "meaning"], ...argumentRows(command), ...optionRows(command, false)]),
  );
  const common = table([["option", "meaning"], ...optionRows(program, true)]);
  return `${HEAD}${[common, ...sections].join("\n")}`;
}

/** The commands that do something. */
export function leavesOf(program: Command): Command[] {
  return commandsOf(program).filter((command) => command.commands.length === 0);
}

function argumentRows(command: Command): string[][] {
  return command.registeredArguments.map((argument) => [
    `\`<${argument.name()}${argument.variadic ? "..." : ""}>\``,
    [argument.description, "needed"].filter((text) => text !== "").join("; "),
  ]);
}

function optionRows(command: Command, common: boolean): string[][] {
  return command.options
    .filter((option) => (option.helpGroupHeading === "Common options:") === common)
    .filter((option) => !common || option.short !== "-V")
    .map((option) => {
      const choices = option.argChoices === undefined ? "" : `; one of ${option.argChoices.join(", ")}`;
      return [`\`${option.flags}\``, `${option.description}${choices}${option.mandatory ? "; needed" : ""}`];
    });
}

function table(rows: readonly string[][]): string {
  const [head = [], ...body] = rows;
  if (body.length === 0) return "";
  const cells = [head, ...body].map((row) =>
    row.map((cell) => cell.replaceAll("|", "\\|").replaceAll(/(?<!`[^`]*)</g, "\\<")),
  );
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return `\n${lines.join("\n")}\n`;
}
