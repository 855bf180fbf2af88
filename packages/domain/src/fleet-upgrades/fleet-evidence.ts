import { latencyQuantile } from "../measurements/latency-sketch.ts";
import { combineEvidence } from "../statistics/combined-evidence.ts";
import { pairedEvidence } from "../statistics/paired-evidence.ts";
import { odds } from "../rollouts/verdict-sentence.ts";
import { addWindows, EMPTY_WINDOW, sketchOf, type VersionWindow } from "../rollouts/version-window.ts";

/** What two groups of tenants did in the same window of time. */
export interface FleetGroups {
  /** Tenants that the fleet upgrade has moved. */
  readonly moved: VersionWindow;
  /** Tenants that it has not. */
  readonly others: VersionWindow;
}

/** A window after tenants were moved, and one from before the fleet upgrade began, of the same tenants in both groups. */
export interface FleetWindowPair {
  readonly after: FleetGroups;
  readonly before: FleetGroups;
}

/** Sums of what was seen. Plain data, which is stored as JSON. */
export interface FleetEvidence {
  /** Pairs of windows that differ, and those among them that speak against the version, by what is compared. */
  readonly counts: Readonly<Record<FleetMeasure, { readonly worse: number; readonly pairs: number }>>;
  /** For the report. */
  readonly after: FleetGroups;
  readonly before: FleetGroups;
}

export const FLEET_MEASURES = ["error-rate", "p95"] as const;
export type FleetMeasure = (typeof FLEET_MEASURES)[number];

export interface FleetJudgementPolicy {
  /** The probability that a fleet upgrade to a version that is not worse is ever halted by measurements. */
  readonly alpha: number;
  /** How much worse it may become: a share of requests, and a share of the 95 % quantile of latencies. */
  readonly tolerated: Readonly<Record<FleetMeasure, number>>;
}

export interface FleetJudgement {
  readonly verdict: "worse" | "not-worse" | "no-traffic";
  /** One sentence with the numbers, for people. */
  readonly sentence: string;
  /** Logarithm of the evidence, and of what is needed. */
  readonly evidence: number;
  readonly needed: number;
}

const NO_GROUPS: FleetGroups = { moved: EMPTY_WINDOW, others: EMPTY_WINDOW };
export const NO_FLEET_EVIDENCE: FleetEvidence = {
  counts: { "error-rate": { worse: 0, pairs: 0 }, p95: { worse: 0, pairs: 0 } },
  after: NO_GROUPS,
  before: NO_GROUPS,
};

const QUANTILE = 0.95;

/**
 * The evidence after one more pair of windows; each window may be in one pair only.
 *
 * Compared is a difference of differences: how tenants that were moved changed from before to after, less how the
 * others changed in the same time. What tenants are like anyway falls out of it (each group is compared with itself),
 * and so does what happens to all of them, such as a busy hour. If moving changes nothing, then after and before could
 * be swapped and the difference is as often above zero as below, whatever it is distributed like: a fair coin.
 */
export function observeFleet(
  evidence: FleetEvidence,
  pair: FleetWindowPair,
  tolerated: FleetJudgementPolicy["tolerated"],
): FleetEvidence {
  const counts = Object.fromEntries(
    FLEET_MEASURES.map((measure) => {
      const { worse, pairs } = evidence.counts[measure];
      const difference = differenceOf(measure, pair);
      if (difference === undefined || difference === 0) return [measure, { worse, pairs }];
      return [measure, { worse: worse + (difference > limitOf(measure, tolerated) ? 1 : 0), pairs: pairs + 1 }];
    }),
  ) as FleetEvidence["counts"];
  return { counts, after: addGroups(evidence.after, pair.after), before: addGroups(evidence.before, pair.before) };
}

/**
 * Judges a fleet upgrade by its measurements. May be asked at any time and as often as one likes: a version that is not
 * worse is found worse with probability `alpha` at most, ever (a sequential sign test, see {@link pairedEvidence}; the
 * measures are put together by the mean of their e-values).
 */
export function judgeFleet({ counts, after, before }: FleetEvidence, policy: FleetJudgementPolicy): FleetJudgement {
  const needed = -Math.log(policy.alpha);
  const logs = FLEET_MEASURES.map((measure) => ({ measure, log: pairedEvidence(counts[measure]) }));
  const evidence = combineEvidence(logs.map(({ log }) => ({ log, weight: 1 })));
  const [leading] = logs.toSorted((a, b) => b.log - a.log);
  if (leading === undefined || after.moved.requests === 0 || after.others.requests === 0) {
    return { verdict: "no-traffic", sentence: "Too few requests to compare.", evidence, needed };
  }
  const verdict = evidence >= needed ? "worse" : "not-worse";
  const { worse, pairs } = counts[leading.measure];
  const number = (window: VersionWindow): string => describeNumber(leading.measure, window);
  const sentence =
    `${leading.measure === "p95" ? "the 95 % quantile of latencies" : "the error rate"} of tenants that were moved went from ` +
    `${number(before.moved)} to ${number(after.moved)}, that of the others from ${number(before.others)} to ` +
    `${number(after.others)}; against them it rose in ${worse} of ${pairs} windows: evidence ${odds(evidence)}, ` +
    `needed ${odds(needed)}.`;
  return { verdict, sentence, evidence, needed };
}

/** How much more the moved tenants changed than the others did; undefined where somebody had no requests. */
function differenceOf(measure: FleetMeasure, { after, before }: FleetWindowPair): number | undefined {
  const values = [after.moved, before.moved, after.others, before.others].map((window) => numberOf(measure, window));
  const [movedAfter, movedBefore, othersAfter, othersBefore] = values;
  if (movedAfter === undefined || movedBefore === undefined) return undefined;
  if (othersAfter === undefined || othersBefore === undefined) return undefined;
  return measure === "error-rate"
    ? movedAfter - movedBefore - (othersAfter - othersBefore)
    : Math.log(movedAfter / movedBefore) - Math.log(othersAfter / othersBefore);
}

function limitOf(measure: FleetMeasure, tolerated: FleetJudgementPolicy["tolerated"]): number {
  return measure === "error-rate" ? tolerated[measure] : Math.log1p(tolerated[measure]);
}

function numberOf(measure: FleetMeasure, window: VersionWindow): number | undefined {
  if (window.requests === 0) return undefined;
  return measure === "error-rate" ? window.errors / window.requests : latencyQuantile(sketchOf([window]), QUANTILE);
}

function describeNumber(measure: FleetMeasure, window: VersionWindow): string {
  const value = numberOf(measure, window);
  if (value === undefined) return "nothing";
  return measure === "error-rate" ? `${Number((100 * value).toPrecision(3))} %` : `${Number(value.toPrecision(3))} ms`;
}

function addGroups(a: FleetGroups, b: FleetGroups): FleetGroups {
  return { moved: addWindows([a.moved, b.moved]), others: addWindows([a.others, b.others]) };
}
