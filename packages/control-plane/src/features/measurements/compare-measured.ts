import { COMPARED, type VersionComparison } from "@aibos/contract";
import {
  type Counts,
  cumulate,
  failedRequests,
  type Interval,
  quantileDifferenceInterval,
  rateDifferenceInterval,
} from "@aibos/domain";
import type { MeasuredVersion } from "./performance-read-model.ts";

/** How often an interval may miss the true difference, at any time that somebody looks. */
const ALPHA = 0.05;
const QUANTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;

/** Sets two versions side by side: how much higher each measure of `b` is, and within what interval. */
export function compareMeasured(a: MeasuredVersion, b: MeasuredVersion): VersionComparison {
  const sketches = [cumulate(a.latency), cumulate(b.latency)] as const;
  const { tenant, module } = a.performance;
  return {
    tenant,
    module,
    a: a.performance,
    b: b.performance,
    confidence: 1 - ALPHA,
    differences: COMPARED.map((measure) => {
      const [left, right] = [valueOf(a, measure), valueOf(b, measure)];
      const known = left !== null && right !== null;
      const interval = !known
        ? { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
        : measure === "errorRate"
          ? rateDifferenceInterval(countsOf(a), countsOf(b), ALPHA)
          : quantileDifferenceInterval(...sketches, QUANTILES[measure], ALPHA);
      return {
        measure,
        a: left,
        b: right,
        difference: known ? right - left : null,
        low: finite(interval.low),
        high: finite(interval.high),
        meaning: meaningOf(interval),
      };
    }),
  };
}

function valueOf({ performance }: MeasuredVersion, measure: (typeof COMPARED)[number]): number | null {
  return measure === "errorRate" ? performance.errorRate : performance.responseTime[measure];
}

function countsOf({ performance: { errors, requests } }: MeasuredVersion): Counts {
  return { yes: failedRequests(errors), total: requests };
}

function finite(end: number): number | null {
  return Number.isFinite(end) ? end : null;
}

function meaningOf({ low, high }: Interval): VersionComparison["differences"][number]["meaning"] {
  if (low > 0) return "higher";
  return high < 0 ? "lower" : "unclear";
}
