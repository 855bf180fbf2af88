import { spreadOf } from "../spread.ts";
import { ours } from "./ours.ts";
import { flagd, growthBook, unleash } from "./peers.ts";
import { type Contestant, contextOf, FLAGS, type Kind, KINDS, type Order, ORDERS, TENANTS } from "./workload.ts";

// Short rounds in turns, of which the fastest counts: the fewer calls a round has, the surer one of them ran on a machine
// that nobody disturbed. The median over all of them is told beside it.

const CALLS = 2_000;
/** Rounds in which everybody has asked for everything once: what can be remembered is, then. */
const WARM_UP = (TENANTS * FLAGS) / CALLS;
/** Nanoseconds a call, at most, where a tenant's flags are asked for one after another. */
const BARS: Readonly<Record<Kind, number>> = { "tenant-scoped": 60, "percentage of users": 200, attribute: 250 };
const OURS = "AI-BOS Versions";

/** Prints nanoseconds a call of each contestant, for each kind of flag and order of tenants. */
export async function measureEvaluation(rounds: number): Promise<void> {
  const contestants = [ours(), await flagd(), growthBook(), await unleash()];
  for (const order of ORDERS) {
    for (const kind of KINDS) {
      console.log(`\n${kind}, ${order}`);
      report(kind, order, runRounds(contestants, kind, order, rounds));
    }
  }
}

function runRounds(
  contestants: readonly Contestant[],
  kind: Kind,
  order: Order,
  rounds: number,
): Map<string, number[]> {
  const spent = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const { name, evaluators } of contestants) {
      const evaluate = evaluators[kind];
      const first = (round + WARM_UP) * CALLS;
      let on = 0;
      const start = process.hrtime.bigint();
      for (let call = first; call < first + CALLS; call += 1) if (evaluate(contextOf(call, order), call)) on += 1;
      const nanoseconds = Number(process.hrtime.bigint() - start) / CALLS;
      if (on === 0 || on === CALLS) throw new Error(`${name} gives everybody the same for ${kind}.`);
      if (round >= 0) spent.get(name)?.push(nanoseconds);
    }
  }
  return spent;
}

function report(kind: Kind, order: Order, spent: ReadonlyMap<string, number[]>): void {
  const own = spreadOf(spent.get(OURS) ?? []);
  for (const [name, values] of spent) {
    const { min, median, p90 } = spreadOf(values);
    const times = `${(min / own.min).toFixed(1)} × ours by the fastest, ${(median / own.median).toFixed(1)} by the median`;
    const bar = order === "hot" ? `bar ${BARS[kind]} ns: ${min <= BARS[kind] ? "met" : "not met"}` : "";
    const told = name === OURS ? bar : times;
    console.log(
      `  ${name.padEnd(16)} ${min.toFixed(0).padStart(6)} ns (median ${median.toFixed(0)}, p90 ${p90.toFixed(0)})  ${told}`,
    );
  }
}
