import { drawBinomial } from "../../statistics/testing/seeded-random.ts";
import type { TenantWindow } from "../tenant-evidence.ts";
import type { VersionWindow } from "../version-window.ts";
import { type LatencyShape, LatencyTable } from "./simulated-latency.ts";

/** How a simulated version behaves. */
export interface Behaviour extends LatencyShape {
  /** Share of requests that fail. */
  readonly errors: number;
}

export const HEALTHY: Behaviour = { errors: 0.01, median: 100, slowShare: 0, slowFactor: 1 };

const tables = new Map<string, LatencyTable>();

/** What a version does with so many requests. */
export function simulateVersion(random: () => number, requests: number, behaviour: Behaviour): VersionWindow {
  const { median, slowShare, slowFactor } = behaviour;
  const shape = `${median} ${slowShare} ${slowFactor}`;
  const table = tables.get(shape) ?? new LatencyTable(behaviour);
  tables.set(shape, table);
  return {
    requests,
    errors: drawBinomial(random, requests, behaviour.errors),
    latency: table.draw(random, requests),
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
