import { LATENCY_ERROR, SHORTEST_LATENCY } from "../../measurements/latency-buckets.ts";
import { normalCdf } from "../../statistics/normal-distribution.ts";

/** Of the logarithm of a latency: web requests' latencies often are lognormal, and so far apart. */
const SIGMA = 0.5;
const LOG_GAMMA = Math.log((1 + LATENCY_ERROR) / (1 - LATENCY_ERROR));
/** So many standard deviations to either side are told apart: what is beyond is one request in 10¹⁵. */
const REACH = 8;
/** Where to look first, for each of so many parts of the probabilities. */
const PARTS = 1_024;

/** How a simulated version's latencies are distributed. */
export interface LatencyShape {
  /** Milliseconds: the median of a lognormal distribution with σ = 0.5. */
  readonly median: number;
  /** This share of requests takes `slowFactor` times as long. */
  readonly slowShare: number;
  readonly slowFactor: number;
}

/** The probability of each bucket, added up, so that one is drawn with one random number and without a logarithm. */
export class LatencyTable {
  readonly #first: number;
  readonly #cumulated: Float64Array;
  readonly #starts = new Uint16Array(PARTS);
  /** Counts of what is drawn; all 0 between two draws. */
  readonly #counts: Uint32Array;

  constructor({ median, slowShare, slowFactor }: LatencyShape) {
    const middle = Math.log(median / SHORTEST_LATENCY);
    const slow = slowShare > 0 ? Math.log(slowFactor) : 0;
    this.#first = Math.max(0, Math.ceil((middle - REACH * SIGMA) / LOG_GAMMA));
    const last = Math.ceil((middle + slow + REACH * SIGMA) / LOG_GAMMA);
    this.#cumulated = Float64Array.from({ length: last - this.#first + 1 }, (_, at) => {
      const ceiling = (this.#first + at) * LOG_GAMMA - middle;
      return (1 - slowShare) * normalCdf(ceiling / SIGMA) + slowShare * normalCdf((ceiling - slow) / SIGMA);
    });
    this.#cumulated[last - this.#first] = 1;
    this.#counts = new Uint32Array(this.#cumulated.length);
    for (let part = 0, at = 0; part < PARTS; part += 1) {
      while ((this.#cumulated[at] ?? 1) <= part / PARTS) at += 1;
      this.#starts[part] = at;
    }
  }

  /** The latencies of so many requests: counts by bucket, in the buckets' order. */
  draw(random: () => number, requests: number): [bucket: number, count: number][] {
    const [counts, cumulated] = [this.#counts, this.#cumulated];
    let [low, high] = [counts.length, -1];
    for (let drawn = 0; drawn < requests; drawn += 1) {
      const value = random();
      let at = this.#starts[Math.floor(value * PARTS)] ?? 0;
      while ((cumulated[at] ?? 1) <= value) at += 1;
      counts[at] = (counts[at] ?? 0) + 1;
      if (at < low) low = at;
      if (at > high) high = at;
    }
    const found: [number, number][] = [];
    for (let at = low; at <= high; at += 1) {
      const count = counts[at] ?? 0;
      if (count === 0) continue;
      found.push([this.#first + at, count]);
      counts[at] = 0;
    }
    return found;
  }
}
