export { runCli } from "./run-cli.ts";
export { readEnvironment, type CliEnvironment } from "./config.ts";
export { EXIT, type ExitCode } from "./exit-codes.ts";
