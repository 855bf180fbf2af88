import { LATENCY_ERROR, SHORTEST_LATENCY } from "../../measurements/latency-buckets.ts";
import { drawBinomial, drawNormal } from "../../statistics/testing/seeded-random.ts";
import type { TenantWindow } from "../tenant-evidence.ts";
import { listLatencies, type VersionWindow } from "../version-window.ts";

/** How a simulated version behaves. */
export interface Behaviour {
  /** Share of requests that fail. */
  readonly errors: number;
  /** Milliseconds: the median of a lognormal distribution with σ = 0.5, as web requests often have. */
  readonly median: number;
  /** This share of requests takes `slowFactor` times as long. */
  readonly slowShare: number;
  readonly slowFactor: number;
}

export const HEALTHY: Behaviour = { errors: 0.01, median: 100, slowShare: 0, slowFactor: 1 };

const LOG_GAMMA = Math.log((1 + LATENCY_ERROR) / (1 - LATENCY_ERROR));

/** What a version does with so many requests. */
export function simulateVersion(random: () => number, requests: number, behaviour: Behaviour): VersionWindow {
  const counts = new Map<number, number>();
  for (let at = 0; at < requests; at += 1) {
    const slow = behaviour.slowShare > 0 && random() < behaviour.slowShare ? Math.log(behaviour.slowFactor) : 0;
    const log = Math.log(behaviour.median / SHORTEST_LATENCY) + 0.5 * drawNormal(random) + slow;
    const bucket = Math.ceil(log / LOG_GAMMA);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return {
    requests,
    errors: drawBinomial(random, requests, behaviour.errors),
    latency: listLatencies(counts),
  };
}

/** A window in which the new version has a share of the requests. */
export function simulateWindow(
  random: () => number,
  requests: number,
  share: number,
  { old = HEALTHY, fresh = HEALTHY }: { old?: Behaviour; fresh?: Behaviour } = {},
): TenantWindow {
  const taken = drawBinomial(random, requests, share);
  return { old: simulateVersion(random, requests - taken, old), fresh: simulateVersion(random, taken, fresh) };
}
