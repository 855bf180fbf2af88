import type { Command } from "commander";
import type { MultiVersionService } from "@aibos/contract";
import type { CliEnvironment } from "../config.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Output } from "../output/output.ts";
import type { AddressOptions } from "../server-address.ts";

/** Options that every command has. */
export interface CommonOptions extends AddressOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** What a command works with. */
export interface CommandContext {
  readonly options: CommonOptions;
  readonly environment: CliEnvironment;
  readonly output: Output;
  /** The server that the options, the environment or the data folder name. */
  readonly connect: () => Promise<MultiVersionService>;
  /** The exit code of a command that did its work but has bad news. */
  readonly endWith: (code: ExitCode) => void;
}

/** Runs a command's work. Definitions get it, so that help needs nothing else to be loaded. */
export type Run = (command: Command, work: (context: CommandContext) => Promise<void>) => Promise<void>;
