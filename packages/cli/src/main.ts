import { processEnvironment } from "./config.ts";
import { runCli } from "./run-cli.ts";

// The exit code is set and not forced, so that everything written reaches its reader.
process.exitCode = await runCli(process.argv.slice(2), processEnvironment());
