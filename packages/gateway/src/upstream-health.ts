import type { EjectionReason } from "@aibos/contract";

// The health of one upstream, as a state that events change. Nothing here reads a clock or draws a number: every event
// brings its time, in milliseconds since the epoch.
//
//              refused connections, failed probes (it is gone)
//              failures in a row, share of failures (it is sick; only while enough others are left)
//   serving ──────────────────────────────────────────────────▶ ejected
//      ▲                                                            │
//      └──── its time is over, and no probe says otherwise; or, ────┘
//            of one that is gone, probes found it there again
//
// One that comes back, and one that is new, begins with a small share of its turns, which grows to the whole. One that
// comes back is on trial until its first success: a single failure that counts for the same ejects it again. Each
// ejection that follows soon on the one before is twice as long, up to a longest one.

/** What makes an upstream ejected, and for how long. Times are milliseconds, shares from 0 to 1. */
export interface HealthPolicy {
  /** So many connections in a row that could not be made. */
  readonly upstreamConnectFailures: number;
  /** So many failures in a row: no answer in time, an answer that broke off, 502, 503 or 504. */
  readonly upstreamFailures: number;
  /** This share of failures among at least `upstreamErrorMinimum` requests within `upstreamErrorWindow`. */
  readonly upstreamErrorShare: number;
  readonly upstreamErrorMinimum: number;
  readonly upstreamErrorWindow: number;
  /** Of a first ejection, and of the longest. */
  readonly ejectionTime: number;
  readonly ejectionMaxTime: number;
  /** Probes in a row that fail, or that an ejected upstream must pass. */
  readonly probeFall: number;
  readonly probeRise: number;
  /** For a new upstream, or one that comes back, to get its whole share. 0 gives it at once. */
  readonly slowStart: number;
}

/** What was seen of an upstream. */
export type HealthEvent =
  /** A request: it was answered, failed, or could not even be sent. */
  | { readonly kind: "answered" | "failed" | "unreachable"; readonly at: number }
  | { readonly kind: "probe"; readonly passed: boolean; readonly at: number };

export interface UpstreamHealth {
  /** Since when it serves, or is ejected. */
  readonly since: number;
  readonly ejected: Ejection | undefined;
  /** Ejections that followed on each other, the one of now included. */
  readonly ejections: number;
  /** In a row. */
  readonly refused: number;
  readonly failures: number;
  /** Probes in a row: passed above 0, failed below. */
  readonly probes: number;
  readonly window: { readonly since: number; readonly requests: number; readonly failures: number };
}

export interface Ejection {
  readonly reason: EjectionReason;
  readonly until: number;
  /** A probe failed since: time alone does not bring it back. */
  readonly mustPass: boolean;
}

/** A new upstream gets at least this share of its turns. */
const SMALLEST_SHARE = 0.1;
/** Those can't be helped by sending them requests; the others still answer some. */
const GONE: ReadonlySet<EjectionReason> = new Set(["connect-failures", "probes"]);

/** An upstream of which nothing is known: it serves, and grows into its share. */
export function newHealth(at: number): UpstreamHealth {
  return {
    since: at,
    ejected: undefined,
    ejections: 0,
    refused: 0,
    failures: 0,
    probes: 0,
    window: { since: at, requests: 0, failures: 0 },
  };
}

/**
 * The health after an event.
 *
 * @param maySicken whether one that still answers may be ejected; it is asked only when that is to be done
 */
export function healthAfter(
  before: UpstreamHealth,
  event: HealthEvent,
  policy: HealthPolicy,
  maySicken: () => boolean,
): UpstreamHealth {
  const health = healthAt(before, event.at, policy);
  if (event.kind === "probe") return afterProbe(health, event, policy);
  // Requests that end now were sent before.
  if (health.ejected !== undefined) return health;
  const seen = count(health, event, policy);
  const reason = ejectionOf(seen, policy);
  if (reason === undefined || (!GONE.has(reason) && !maySicken())) return seen;
  return eject(seen, reason, event.at, policy);
}

/** The health at a moment: an ejection may have ended by then. */
export function healthAt(health: UpstreamHealth, at: number, policy: HealthPolicy): UpstreamHealth {
  const { ejected } = health;
  if (ejected === undefined || ejected.mustPass) return health;
  // A clock that was set back must not keep it out.
  return at >= ejected.until || at < health.since ? comeBack(health, at, policy) : health;
}

/** The share of its turns that an upstream takes, from 0 to 1. */
export function shareAt(health: UpstreamHealth, at: number, { slowStart }: HealthPolicy): number {
  if (health.ejected !== undefined) return 0;
  const age = at - health.since;
  return age >= slowStart || age < 0 ? 1 : Math.max(SMALLEST_SHARE, age / slowStart);
}

function count(health: UpstreamHealth, { kind, at }: HealthEvent, policy: HealthPolicy): UpstreamHealth {
  const isOver = at - health.window.since >= policy.upstreamErrorWindow || at < health.window.since;
  const { since, requests, failures } = isOver ? { since: at, requests: 0, failures: 0 } : health.window;
  const failed = kind === "answered" ? 0 : 1;
  return {
    ...health,
    refused: kind === "unreachable" ? health.refused + 1 : 0,
    failures: kind === "failed" ? health.failures + 1 : 0,
    window: { since, requests: requests + 1, failures: failures + failed },
  };
}

function ejectionOf({ refused, failures, window }: UpstreamHealth, policy: HealthPolicy): EjectionReason | undefined {
  if (refused >= policy.upstreamConnectFailures) return "connect-failures";
  if (failures >= policy.upstreamFailures) return "failures";
  const isMuch = window.requests >= policy.upstreamErrorMinimum && window.failures > 0;
  return isMuch && window.failures >= policy.upstreamErrorShare * window.requests ? "error-share" : undefined;
}

function afterProbe(
  health: UpstreamHealth,
  { passed, at }: HealthEvent & { kind: "probe" },
  policy: HealthPolicy,
): UpstreamHealth {
  const { ejected } = health;
  const seen = { ...health, probes: passed ? Math.max(0, health.probes) + 1 : Math.min(0, health.probes) - 1 };
  if (ejected === undefined) return -seen.probes >= policy.probeFall ? eject(seen, "probes", at, policy) : seen;
  if (!passed) return { ...seen, ejected: { ...ejected, mustPass: true } };
  const mayReturn = at >= ejected.until || GONE.has(ejected.reason);
  return seen.probes >= policy.probeRise && mayReturn ? comeBack(seen, at, policy) : seen;
}

function eject(health: UpstreamHealth, reason: EjectionReason, at: number, policy: HealthPolicy): UpstreamHealth {
  // One that served for as long as the longest ejection begins anew.
  const ejections = at - health.since >= policy.ejectionMaxTime ? 1 : health.ejections + 1;
  const time = Math.min(policy.ejectionMaxTime, policy.ejectionTime * 2 ** (ejections - 1));
  const ejected = { reason, until: at + time, mustPass: reason === "probes" };
  // What probes said before is of another time.
  return { ...newHealth(at), ejected, ejections };
}

function comeBack({ ejections, ejected }: UpstreamHealth, at: number, policy: HealthPolicy): UpstreamHealth {
  return {
    ...newHealth(at),
    ejections,
    refused: ejected?.reason === "connect-failures" ? policy.upstreamConnectFailures - 1 : 0,
    failures: ejected?.reason === "failures" ? policy.upstreamFailures - 1 : 0,
  };
}
