import { parseArgs } from "node:util";
import { runCountedOnce } from "./fault-test/counted-once.ts";
import { createFaultWorld } from "./fault-test/fault-world.ts";
import { runKilledRollouts } from "./fault-test/killed-rollouts.ts";
import type { PartResult } from "./fault-test/part.ts";
import { runSteadyService } from "./fault-test/steady-service.ts";

// Faults under load, with real processes: see scripts/fault-test. --short does a share of each, names of parts choose
// among them, and --keep leaves the folder with all logs.

const { values, positionals } = parseArgs({
  options: { short: { type: "boolean", default: false }, keep: { type: "boolean", default: false } },
  allowPositionals: true,
});
const { short } = values;
const world = await createFaultWorld(values);

const PARTS: Record<string, () => Promise<PartResult>> = {
  steady: () =>
    runSteadyService(
      world,
      short
        ? { changes: 75, rollbacks: 3, restarts: 2, workerRestarts: 1, users: 15 }
        : { changes: 1_000, rollbacks: 50, restarts: 20, workerRestarts: 4, users: 40 },
    ),
  counted: () =>
    runCountedOnce(
      world,
      short
        ? { controlPlaneKills: 1, gatewayKills: 1, users: 12 }
        : { controlPlaneKills: 5, gatewayKills: 5, users: 40 },
    ),
  rollouts: () =>
    runKilledRollouts(
      world,
      short ? { rollouts: 2, measured: 3, usersOfTenant: 12 } : { rollouts: 10, measured: 20, usersOfTenant: 12 },
    ),
};

let failures = 0;
try {
  for (const [name, run] of Object.entries(PARTS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`\n${name}`);
    const { problems, figures } = await run();
    failures += problems.length;
    for (const figure of figures) console.log(`  ${figure}`);
    for (const problem of problems) console.log(`  ✖ ${problem}`);
  }
} catch (error) {
  failures += 1;
  console.error(`  ✖ ${world.events.seconds()} s, ${world.events.describe()}:`, error);
}
await world[Symbol.asyncDispose]();
console.log(failures === 0 ? "\n✔ all held" : `\n✖ ${failures} did not`);
// What a part that broke off had begun is not waited for.
process.exit(failures === 0 ? 0 : 1);
