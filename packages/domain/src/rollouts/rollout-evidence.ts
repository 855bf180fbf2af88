import { latencyQuantile } from "../measurements/latency-sketch.ts";
import { isWorse, type PairedValue } from "../statistics/paired-evidence.ts";
import { logSum } from "../statistics/log-sum.ts";
import type { Analysis } from "./analysis.ts";
import {
  beginTenantStep,
  logLatencyEvidence,
  NO_TENANT_EVIDENCE,
  observeTenant,
  type TenantEvidence,
  type TenantWindow,
} from "./tenant-evidence.ts";
import { addWindows, sketchOf, type VersionWindow } from "./version-window.ts";

/** Everything that a rollout was told, as far as verdicts need it. Plain data. */
export interface RolloutEvidence {
  /** The steps that have ended: the present one's number, counted from 0. */
  readonly step: number;
  readonly tenants: Readonly<Record<string, TenantEvidence>>;
  /** As {@link TenantEvidence.earlier}, of all tenants together. */
  readonly earlier: Readonly<Record<string, number>>;
  /** Windows in which a paired number was worse than is tolerated, by analysis. */
  readonly paired: Readonly<Record<string, { readonly worse: number; readonly pairs: number }>>;
  /** The present step's newest numbers, old and new version, one pair a window, by analysis: for the report. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

type Sample = readonly [old: number, fresh: number];

/** What happened in one window of time. */
export interface RolloutWindow {
  readonly tenants: Readonly<Record<string, TenantWindow>>;
  /** Numbers of the versions as a whole, by analysis. */
  readonly paired: Readonly<Record<string, PairedValue>>;
}

export const NO_EVIDENCE: RolloutEvidence = { step: 0, tenants: {}, earlier: {}, paired: {}, samples: {} };

/** Two hours of windows of ten seconds. */
const MOST_SAMPLES = 720;

/** The evidence after one more window. Each window must be given once. */
export function observeWindow(
  evidence: RolloutEvidence,
  window: RolloutWindow,
  analyses: readonly Analysis[],
): RolloutEvidence {
  const tenants = Object.entries(window.tenants).map(([tenant, seen]): [string, TenantEvidence] => [
    tenant,
    observeTenant(evidence.tenants[tenant] ?? NO_TENANT_EVIDENCE, seen, analyses),
  ]);
  const paired = analyses.flatMap(({ name, tolerance }): [string, { worse: number; pairs: number }][] => {
    const value = window.paired[name];
    if (value === undefined) return [];
    const before = evidence.paired[name] ?? { worse: 0, pairs: 0 };
    return [[name, { worse: before.worse + (isWorse(value, tolerance) ? 1 : 0), pairs: before.pairs + 1 }]];
  });
  const samples = analyses.flatMap((analysis): [string, Sample[]][] => {
    const sample = sampleOf(analysis, window);
    if (sample === undefined) return [];
    return [[analysis.name, [...(evidence.samples[analysis.name] ?? []), sample].slice(-MOST_SAMPLES)]];
  });
  return {
    ...evidence,
    tenants: { ...evidence.tenants, ...Object.fromEntries(tenants) },
    paired: { ...evidence.paired, ...Object.fromEntries(paired) },
    samples: { ...evidence.samples, ...Object.fromEntries(samples) },
  };
}

/** The evidence at the beginning of the next step. */
export function beginStep(evidence: RolloutEvidence, analyses: readonly Analysis[]): RolloutEvidence {
  const all = Object.values(evidence.tenants);
  const earlier = analyses.flatMap((analysis): [string, number][] => {
    if (analysis.measure.kind !== "latency") return [];
    const log = logLatencyEvidence(all, analysis.measure.quantile, analysis.tolerance);
    const before = evidence.earlier[analysis.name];
    return [[analysis.name, before === undefined ? log : logSum([before, log])]];
  });
  return {
    ...evidence,
    step: evidence.step + 1,
    tenants: Object.fromEntries(
      Object.entries(evidence.tenants).map(([tenant, one]) => [tenant, beginTenantStep(one, analyses)]),
    ),
    earlier: Object.fromEntries(earlier),
    samples: {},
  };
}

function sampleOf({ name, measure }: Analysis, window: RolloutWindow): Sample | undefined {
  if (measure.kind === "paired") {
    const value = window.paired[name];
    return value === undefined ? undefined : [value.old, value.fresh];
  }
  const tenants = Object.values(window.tenants);
  const old = numberOf(measure, addWindows(tenants.map((tenant) => tenant.old)));
  const fresh = numberOf(measure, addWindows(tenants.map((tenant) => tenant.fresh)));
  return old === undefined || fresh === undefined ? undefined : [old, fresh];
}

/** The number that is compared; undefined when there was no request. */
export function numberOf(
  measure: Exclude<Analysis["measure"], { kind: "paired" }>,
  window: VersionWindow,
): number | undefined {
  if (window.requests === 0) return undefined;
  return measure.kind === "error-rate"
    ? window.errors / window.requests
    : latencyQuantile(sketchOf([window]), measure.quantile);
}
