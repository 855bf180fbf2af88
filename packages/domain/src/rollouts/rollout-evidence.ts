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
import { addWindows, type VersionWindow, withoutPart } from "./version-window.ts";

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
  /** What is counted already of windows that are not over, by when they began. */
  readonly open: Readonly<Record<number, Readonly<Record<string, TenantWindow>>>>;
}

type Sample = readonly [old: number, fresh: number];

/** What happened in one window of time. */
export interface RolloutWindow {
  readonly tenants: Readonly<Record<string, TenantWindow>>;
  /** Numbers of the versions as a whole, by analysis. */
  readonly paired: Readonly<Record<string, PairedValue>>;
}

export const NO_EVIDENCE: RolloutEvidence = { step: 0, tenants: {}, earlier: {}, paired: {}, samples: {}, open: {} };

/** Two hours of windows of ten seconds. */
const MOST_SAMPLES = 720;

/** A part of a window is compared by itself when both versions had so many requests in it. */
const PART_REQUESTS = 20;

/**
 * The evidence after one more window that is over. Each window must be given once.
 *
 * @param at when it began, where {@link observePart} was told of it before
 */
export function observeWindow(
  evidence: RolloutEvidence,
  window: RolloutWindow,
  analyses: readonly Analysis[],
  at?: number,
): RolloutEvidence {
  const known = at === undefined ? {} : (evidence.open[at] ?? {});
  const rest = Object.entries(window.tenants).map(([tenant, seen]) => [tenant, besides(seen, known[tenant])] as const);
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
    ...withTenants(evidence, rest, analyses),
    paired: { ...evidence.paired, ...Object.fromEntries(paired) },
    samples: { ...evidence.samples, ...Object.fromEntries(samples) },
    open: Object.fromEntries(Object.entries(evidence.open).filter(([began]) => Number(began) !== at)),
  };
}

/**
 * The evidence after a look into a window that is not over, so that a bad version is found before it is. What came since
 * the look before is a block of its own for each tenant with requests enough of both versions; the choice depends on how
 * many requests there were, never on what became of them. What is left waits for the next look or the window's end.
 *
 * @param tenants all that is known of the window by now
 */
export function observePart(
  evidence: RolloutEvidence,
  tenants: RolloutWindow["tenants"],
  analyses: readonly Analysis[],
  at: number,
): RolloutEvidence {
  const known = evidence.open[at] ?? {};
  const parts = Object.entries(tenants)
    .map(([tenant, seen]) => [tenant, besides(seen, known[tenant])] as const)
    .filter(([, { old, fresh }]) => Math.min(old.requests, fresh.requests) >= PART_REQUESTS);
  if (parts.length === 0) return evidence;
  const counted = parts.map(([tenant]) => [tenant, tenants[tenant]]);
  return {
    ...withTenants(evidence, parts, analyses),
    open: { ...evidence.open, [at]: { ...known, ...Object.fromEntries(counted) } },
  };
}

function besides(seen: TenantWindow, known: TenantWindow | undefined): TenantWindow {
  if (known === undefined) return seen;
  return { old: withoutPart(seen.old, known.old), fresh: withoutPart(seen.fresh, known.fresh) };
}

function withTenants(
  evidence: RolloutEvidence,
  blocks: readonly (readonly [tenant: string, block: TenantWindow])[],
  analyses: readonly Analysis[],
): RolloutEvidence {
  const tenants = blocks.map(([tenant, block]): [string, TenantEvidence] => [
    tenant,
    observeTenant(evidence.tenants[tenant] ?? NO_TENANT_EVIDENCE, block, analyses),
  ]);
  return { ...evidence, tenants: { ...evidence.tenants, ...Object.fromEntries(tenants) } };
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
    open: {},
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
    : latencyQuantile(new Map(window.latency), measure.quantile);
}
