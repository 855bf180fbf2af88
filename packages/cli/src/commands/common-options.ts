import { type Command, Option } from "commander";

/** The options that every command has. */
export function commonOptions(command: Command): Command {
  for (const [flags, description] of COMMON) {
    if (command.options.some((option) => option.long === flags.split(" ")[0])) continue;
    command.addOption(new Option(flags, description).helpGroup("Common options:"));
  }
  return command;
}

const COMMON = [
  ["--url <url>", "the server (AIBOS_URL); otherwise the one of the data folder, or http://127.0.0.1:7400"],
  ["--token-file <file>", "holds the token (AIBOS_TOKEN_FILE, AIBOS_TOKEN); otherwise the one of the data folder"],
  ["--data-dir <folder>", "the data folder (AIBOS_DATA_DIR); otherwise .aibos"],
  ["--json", "prints one JSON document, an error included"],
  ["--debug", "prints where an error comes from"],
] as const;
