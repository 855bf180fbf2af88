import { spreadOf } from "../spread.ts";
import { changeRounds, ours, overrideBytes } from "./ours.ts";
import { flagd, growthBook, unleash } from "./peers.ts";
import { type Contestant, contextOf, KINDS } from "./workload.ts";

// In process, 10,000 tenants × 50 flags, against flagd-core, GrowthBook and unleash-client in the same run:
// `npm run bench -- flags`. Nanoseconds of CPU a call: the median over rounds, with the lowest and the 90th percentile.

const ROUNDS = 9;
const CALLS = 100_000;

const contestants: Contestant[] = [ours(), await flagd(), growthBook(), await unleash()];
for (const kind of KINDS) {
  console.log(`\n${kind}`);
  const rounds = new Map<string, number[]>();
  // In turns, so that what else the machine does meets all of them.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { name, evaluators } of contestants) {
      const evaluate = evaluators[kind];
      let on = 0;
      const start = process.cpuUsage();
      for (let call = 0; call < CALLS; call += 1) if (evaluate(contextOf(call), call)) on += 1;
      const { user, system } = process.cpuUsage(start);
      const spent = ((user + system) * 1e3) / CALLS;
      if (on === 0 || on === CALLS) throw new Error(`${name} gives everybody the same for ${kind}.`);
      // The first round warms up.
      if (round > 0) rounds.set(name, [...(rounds.get(name) ?? []), spent]);
    }
  }
  const own = spreadOf(rounds.get("AI-BOS Versions") ?? []).median;
  for (const [name, values] of rounds) {
    const { min, median, p90 } = spreadOf(values);
    const ratio = name === "AI-BOS Versions" ? "" : `  ${(median / own).toFixed(1)} × ours`;
    console.log(
      `  ${name.padEnd(16)} ${median.toFixed(0).padStart(7)} ns (${min.toFixed(0)} to ${p90.toFixed(0)})${ratio}`,
    );
  }
}

const changes = spreadOf(changeRounds());
console.log(
  `\nchange of one flag for all 10,000 tenants: ${changes.median.toFixed(1)} µs of CPU (${changes.min.toFixed(1)} to ${changes.p90.toFixed(1)})`,
);
console.log(`memory: ${overrideBytes().toFixed(0)} bytes an override, what is looked up included`);
process.exit(0);
