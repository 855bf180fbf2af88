import { fileURLToPath } from "node:url";
import { processEnvironment } from "../config.ts";
import { createOutput } from "../output/output.ts";
import { runUp } from "../up/run-up.ts";

// `up` as a process of its own, with fake programs: `node up-with-fakes.ts <data folder>`.

const environment = processEnvironment();
const program = fileURLToPath(new URL("fake-program.ts", import.meta.url));
process.exitCode = await runUp(
  {
    programs: { controlPlane: program, gateway: program },
    dataFolder: process.argv[2] ?? "",
    host: undefined,
    port: 0,
    postgresPort: undefined,
    gatewayHost: undefined,
    gatewayPort: 0,
    identify: undefined,
    baseHost: undefined,
    tokenFile: undefined,
    inherited: environment.inherited,
    delays: { first: 10, longest: 50, steady: 60_000 },
    verbose: process.argv.includes("--verbose"),
    stopWithParent: environment.stopWithParent,
  },
  createOutput({ json: process.argv.includes("--json") }, environment),
);
