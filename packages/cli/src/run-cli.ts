import { CommanderError, type Command } from "commander";
import type { CommandContext, CommonOptions, Run } from "./commands/command-context.ts";
import type { CliEnvironment } from "./config.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { failureDocument, failureOf } from "./failure.ts";
import { createOutput, type Output, type Streams } from "./output/output.ts";
import { commandsOf, createProgram, pathOf } from "./program.ts";

/** Runs one command line, without the program's name, and tells the exit code. Never throws. */
export async function runCli(
  words: readonly string[],
  environment: CliEnvironment,
  streams?: Streams,
): Promise<ExitCode> {
  // Needed before the command line is understood: an error in it is a document too.
  const asked = words.slice(0, words.includes("--") ? words.indexOf("--") : words.length);
  const output = createOutput({ json: asked.includes("--json") }, environment, streams);
  const debug = asked.includes("--debug");
  let exitCode: ExitCode = EXIT.ok;

  const run: Run = async (command, work) => {
    const options = command.optsWithGlobals<CommonOptions>();
    await work(contextOf(options, environment, output, (code) => (exitCode = code)));
  };

  const program = createProgram(run);
  let helped: Command | undefined;
  let told = "";
  for (const command of [program, ...commandsOf(program)]) {
    command.configureOutput({
      writeOut: (text) => output.text(text),
      // What commander would print of an error is told below, in the way of all errors.
      writeErr: (text) => (told += text),
      getOutHasColors: () => output.colors.isColorSupported,
      getOutHelpWidth: () => output.columns ?? 100,
    });
    command.configureHelp({
      styleTitle: (title) => output.colors.bold(title),
      subcommandTerm: (one) => [one.name(), one.usage().replace(/\[(options|command)\] ?/g, "")].join(" ").trim(),
      subcommandDescription: (one) => one.summary() || firstSentence(one.description()),
    });
    command.exitOverride((error) => {
      helped = command;
      throw error;
    });
  }

  try {
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const failure = await failureOf(completed(error, helped));
    if (output.json) {
      output.document(failureDocument(failure));
    } else if (error instanceof CommanderError && error.code === "commander.help") {
      output.aside(told.trimEnd());
    } else {
      const { failureText } = await import("./output/failure-text.ts");
      output.failure((colors) => failureText(failure, colors, { debug }));
    }
    return failure.exitCode;
  }
}

/** Adds the way out to an error of the command line. */
function completed(error: unknown, command: Command | undefined): unknown {
  if (!(error instanceof CommanderError) || command === undefined) return error;
  const help = ["aibos-versions", pathOf(command), "--help"].filter((word) => word !== "").join(" ");
  const message = error.code === "commander.help" ? "A command is missing." : error.message;
  return new CommanderError(error.exitCode, error.code, `${message.trimEnd()}\nSee: ${help}`);
}

function contextOf(
  options: CommonOptions,
  environment: CliEnvironment,
  output: Output,
  endWith: (code: ExitCode) => void,
): CommandContext {
  return {
    options,
    environment,
    output,
    endWith,
    connect: async () => {
      const [{ findServer }, { createMultiVersionClient }] = await Promise.all([
        import("./server-address.ts"),
        import("@aibos/contract"),
      ]);
      return createMultiVersionClient(await findServer(options, environment));
    },
  };
}

function firstSentence(text: string): string {
  return text.replace(/[.:] .*$/s, "").replace(/\.$/, "");
}
