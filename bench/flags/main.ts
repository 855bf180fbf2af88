import { parseArgs } from "node:util";
import { spreadOf } from "../spread.ts";
import { measureEvaluation } from "./evaluation.ts";
import { measureOfrep } from "./ofrep.ts";
import { changeRounds, overrideBytes } from "./ours.ts";

// In process, 10,000 tenants × 50 flags, against flagd-core, GrowthBook and unleash-client in the same run:
// `npm run bench -- flags [--rounds N]`. `npm run bench -- flags ofrep [--rounds N] [--seconds N]` asks over the network.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, seconds: { type: "string", default: "0.5" } },
});
if (positionals.includes("ofrep")) {
  await measureOfrep({ rounds: Number(values.rounds ?? 12), seconds: Number(values.seconds) });
  process.exit(0);
}

await measureEvaluation(Number(values.rounds ?? 400));
const changes = spreadOf(changeRounds());
console.log(
  `\nchange of one flag for all 10,000 tenants: ${changes.median.toFixed(1)} µs of CPU (${changes.min.toFixed(1)} to ${changes.p90.toFixed(1)}), bar 1,000 µs`,
);
console.log(`memory: ${overrideBytes().toFixed(0)} bytes an override, what is looked up included, bar 400`);
process.exit(0);
