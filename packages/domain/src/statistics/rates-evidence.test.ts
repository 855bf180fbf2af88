import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logGamma } from "./log-gamma.ts";
import { logPooledRatesEvidence, logRatesEvidence, NO_RATES_EVIDENCE, observeRates } from "./rates-evidence.ts";
import type { RatesBlock, RatesEvidence } from "./rates-evidence.ts";
import { drawBinomial, seededRandom } from "./testing/seeded-random.ts";
import { type Tolerance, tolerated } from "./tolerance.ts";

const NONE: Tolerance = { relative: 0, absolute: 0 };

function block(old: [number, number], fresh: [number, number]): RatesBlock {
  return { old: { yes: old[0], total: old[1] }, fresh: { yes: fresh[0], total: fresh[1] } };
}

function probability(yes: number, total: number, p: number): number {
  const ways = logGamma(total + 1) - logGamma(yes + 1) - logGamma(total - yes + 1);
  return Math.exp(ways + (yes === 0 ? 0 : yes * Math.log(p)) + (total === yes ? 0 : (total - yes) * Math.log1p(-p)));
}

/** The expected growth in the next block, over everything that can happen in it. */
function expectedGrowth(
  evidence: RatesEvidence,
  sizes: [number, number],
  truth: [number, number],
  t: Tolerance,
): number {
  let sum = 0;
  for (let a = 0; a <= sizes[0]; a += 1) {
    for (let b = 0; b <= sizes[1]; b += 1) {
      const after = observeRates(evidence, block([a, sizes[0]], [b, sizes[1]]), t);
      sum +=
        probability(a, sizes[0], truth[0]) *
        probability(b, sizes[1], truth[1]) *
        Math.exp(logRatesEvidence(after) - logRatesEvidence(evidence));
    }
  }
  return sum;
}

describe("evidence on two rates", () => {
  it("never grows on average while the new version is not worse than is tolerated, whatever was seen before", () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    const size = fc.integer({ min: 1, max: 12 });
    const counts = fc.tuple(fc.nat(400), rate).map(([n, p]): [number, number] => [Math.floor(n * p), n]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(counts, counts), { maxLength: 4 }),
        size,
        size,
        rate,
        rate,
        fc.record({
          relative: fc.double({ min: 0, max: 1, noNaN: true }),
          absolute: fc.double({ min: 0, max: 0.2, noNaN: true }),
        }),
        (past, m, n, p, below, tolerance) => {
          let evidence = NO_RATES_EVIDENCE;
          for (const [old, fresh] of past) evidence = observeRates(evidence, block(old, fresh), tolerance);
          const limit = Math.min(1, tolerated(p, tolerance));
          // The worst case is at the limit itself.
          for (const q of [limit, limit * below]) {
            expect(expectedGrowth(evidence, [m, n], [p, q], tolerance)).toBeLessThanOrEqual(1 + 1e-9);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("grows when the new version is worse", () => {
    let evidence = NO_RATES_EVIDENCE;
    for (let i = 0; i < 20; i += 1) evidence = observeRates(evidence, block([9, 900], [3, 100]), NONE);
    expect(logRatesEvidence(evidence)).toBeGreaterThan(Math.log(1_000));
    expect(logRatesEvidence(observeRates(NO_RATES_EVIDENCE, block([1, 100], [50, 100]), NONE))).toBeGreaterThan(30);
  });

  it("finds a fault that begins late about as soon as one that begins at once", () => {
    const blocksUntilFound = (healthy: number): number => {
      let evidence = NO_RATES_EVIDENCE;
      for (let i = 0; i < healthy; i += 1) evidence = observeRates(evidence, block([9, 900], [1, 100]), NONE);
      for (let blocks = 1; ; blocks += 1) {
        evidence = observeRates(evidence, block([9, 900], [5, 100]), NONE);
        if (logRatesEvidence(evidence) > Math.log(100)) return blocks;
      }
    };
    expect(blocksUntilFound(500)).toBeLessThanOrEqual(blocksUntilFound(0) + 4);
  });

  it("takes no notice of a version that did nothing, of a fault of both, and of what is tolerated", () => {
    const some = observeRates(NO_RATES_EVIDENCE, block([5, 100], [5, 100]), NONE);
    expect(logRatesEvidence(observeRates(some, block([0, 0], [70, 100]), NONE))).toBeCloseTo(logRatesEvidence(some), 9);
    let evidence = NO_RATES_EVIDENCE;
    for (let i = 0; i < 100; i += 1) {
      const bad = i % 10 === 0 ? 60 : 1;
      evidence = observeRates(evidence, block([bad, 100], [bad, 100]), NONE);
    }
    expect(logRatesEvidence(evidence)).toBeLessThan(0);
    let tolerant = NO_RATES_EVIDENCE;
    for (let i = 0; i < 100; i += 1) {
      tolerant = observeRates(tolerant, block([10, 1_000], [15, 1_000]), { relative: 0, absolute: 0.01 });
    }
    expect(logRatesEvidence(tolerant)).toBeLessThan(0);
  });

  it("adds up small tenants, and does not take a mixture of tenants for a difference between versions", () => {
    const ofTenant = (old: [number, number], fresh: [number, number], blocks: number): RatesEvidence => {
      let evidence = NO_RATES_EVIDENCE;
      for (let i = 0; i < blocks; i += 1) evidence = observeRates(evidence, block(old, fresh), NONE);
      return evidence;
    };
    const small = Array.from({ length: 40 }, () => ofTenant([0, 20], [1, 10], 3));
    expect(logRatesEvidence(small[0] ?? NO_RATES_EVIDENCE)).toBeLessThan(Math.log(100));
    expect(logPooledRatesEvidence(small)).toBeGreaterThan(Math.log(1_000));
    // One tenant has many errors and is mostly on the new version: its errors are its own.
    const mixture = [ofTenant([5, 10], [45, 90], 20), ofTenant([1, 90], [0, 10], 20)];
    expect(logPooledRatesEvidence(mixture)).toBeLessThan(0);
  });

  it("reaches 100 : 1 in at most 1 % of 2,000 rollouts of the same version, looked at after each of 100 blocks", () => {
    const random = seededRandom(1);
    let alarms = 0;
    for (let run = 0; run < 2_000; run += 1) {
      const share = random();
      let evidence = NO_RATES_EVIDENCE;
      for (let at = 0; at < 100; at += 1) {
        // The rate wanders, and so do the shares.
        const rate = 0.002 + 0.05 * random() ** 3;
        const [m, n] = [50 + Math.floor(400 * random()), 1 + Math.floor(100 * share * random())];
        evidence = observeRates(
          evidence,
          block([drawBinomial(random, m, rate), m], [drawBinomial(random, n, rate), n]),
          NONE,
        );
        if (logRatesEvidence(evidence) >= Math.log(100)) {
          alarms += 1;
          break;
        }
      }
    }
    expect(alarms).toBeLessThanOrEqual(20);
  });
});
