import { cumulate } from "../statistics/cumulative-sketch.ts";
import { logSum } from "../statistics/log-sum.ts";
import { quantileEvidence, quantileEvidenceAtMost } from "../statistics/quantile-evidence.ts";
import { NO_RATES_EVIDENCE, observeRates, type RatesEvidence } from "../statistics/rates-evidence.ts";
import type { Analysis } from "./analysis.ts";
import { addWindows, EMPTY_WINDOW, type VersionWindow } from "./version-window.ts";

/** What both versions did for one tenant in the same window of time. */
export interface TenantWindow {
  readonly old: VersionWindow;
  readonly fresh: VersionWindow;
}

/** What is known of one tenant in a rollout. Plain data: it is stored as JSON between two looks. */
export interface TenantEvidence {
  /** Evidence on error rates since the rollout began, by analysis. */
  readonly rates: Readonly<Record<string, RatesEvidence>>;
  /** Sums of the e-values that latencies of earlier steps ended with, as logarithms, by analysis. */
  readonly earlier: Readonly<Record<string, number>>;
  /** Sums of the present step. Within one, the versions' shares stay the same, so that sums can be compared. */
  readonly old: VersionWindow;
  readonly fresh: VersionWindow;
}

export const NO_TENANT_EVIDENCE: TenantEvidence = { rates: {}, earlier: {}, old: EMPTY_WINDOW, fresh: EMPTY_WINDOW };

/** The evidence after one more window. Each window must be given once. */
export function observeTenant(
  evidence: TenantEvidence,
  { old, fresh }: TenantWindow,
  analyses: readonly Analysis[],
): TenantEvidence {
  const block = {
    old: { yes: old.errors, total: old.requests },
    fresh: { yes: fresh.errors, total: fresh.requests },
  };
  const rates = analyses
    .filter(({ measure }) => measure.kind === "error-rate")
    .map(({ name, tolerance }) => [name, observeRates(evidence.rates[name] ?? NO_RATES_EVIDENCE, block, tolerance)]);
  return {
    ...evidence,
    rates: Object.fromEntries(rates),
    old: addWindows([evidence.old, old]),
    fresh: addWindows([evidence.fresh, fresh]),
  };
}

/** The evidence at the beginning of the next step. */
export function beginTenantStep(evidence: TenantEvidence, analyses: readonly Analysis[]): TenantEvidence {
  const earlier = analyses.flatMap((analysis): [string, number][] => {
    if (analysis.measure.kind !== "latency") return [];
    const log = logLatencyEvidence([evidence], analysis.measure.quantile, analysis.tolerance);
    const before = evidence.earlier[analysis.name];
    return [[analysis.name, before === undefined ? log : logSum([before, log])]];
  });
  return { ...evidence, earlier: Object.fromEntries(earlier), old: EMPTY_WINDOW, fresh: EMPTY_WINDOW };
}

/** The evidence of the present step that latencies of all of the tenants together are worse than is tolerated. */
export function logLatencyEvidence(
  tenants: readonly TenantEvidence[],
  quantile: number,
  tolerance: Analysis["tolerance"],
): number {
  return quantileEvidence(...latenciesOf(tenants), quantile, tolerance);
}

/** What {@link logLatencyEvidence} is not more than, for a fraction of the work. */
export function logLatencyEvidenceAtMost(
  tenants: readonly TenantEvidence[],
  quantile: number,
  tolerance: Analysis["tolerance"],
): number {
  return quantileEvidenceAtMost(...latenciesOf(tenants), quantile, tolerance);
}

/** The latencies of the present step, of the old version and of the new one. */
export function latenciesOf(tenants: readonly TenantEvidence[]) {
  return [
    cumulate(...tenants.map(({ old }) => old.latency)),
    cumulate(...tenants.map(({ fresh }) => fresh.latency)),
  ] as const;
}
