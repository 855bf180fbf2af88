import { parseArgs } from "node:util";
import { spreadOf } from "../spread.ts";
import { measureEvaluation } from "./evaluation.ts";
import { changeRounds, overrideBytes } from "./ours.ts";

// In process, 10,000 tenants × 50 flags, against flagd-core, GrowthBook and unleash-client in the same run:
// `npm run bench -- flags [--rounds N]`.

const { values } = parseArgs({ options: { rounds: { type: "string" } } });

await measureEvaluation(Number(values.rounds ?? 400));
const changes = spreadOf(changeRounds());
console.log(
  `\nchange of one flag for all 10,000 tenants: ${changes.median.toFixed(1)} µs of CPU (${changes.min.toFixed(1)} to ${changes.p90.toFixed(1)}), bar 1,000 µs`,
);
console.log(`memory: ${overrideBytes().toFixed(0)} bytes an override, what is looked up included, bar 400`);
process.exit(0);
