import type { Command } from "commander";

const examples = new WeakMap<Command, readonly string[]>();

/** Ends a command's help with lines to try, written without the program's name. */
export function withExample(command: Command, ...lines: readonly string[]): Command {
  examples.set(command, lines);
  const heading = lines.length === 1 ? "Example:" : "Examples:";
  return command.addHelpText("after", `\n${heading}\n${lines.map((line) => `  $ aibos-versions ${line}`).join("\n")}`);
}

/** The lines that a command's help ends with. */
export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? [];
}
