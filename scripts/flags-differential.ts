import { compareWithFlagd } from "../packages/domain/src/flags/testing/compare-with-flagd.ts";

// Evaluates random flag definitions with flagd's own evaluator and with ours: node scripts/flags-differential.ts [count] [seed]
const count = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
console.log(`${count} definitions, 4 contexts each, seed ${seed}`);
const { differences, reasons } = compareWithFlagd(seed, count);
for (const [reason, times] of reasons) console.log(`${reason.padEnd(16)} ${times}`);
for (const difference of differences.slice(0, 5)) console.log(JSON.stringify(difference));
console.log(`${differences.length} differences`);
process.exitCode = differences.length === 0 ? 0 : 1;
