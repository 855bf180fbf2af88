import { diff } from "semver";
import { type Freeze, freezeAt } from "../freezes/freeze.ts";
import { isInWindow, openSpan, type TimeWindow } from "../rollouts/time-window.ts";
import type { Version } from "../versions/version.ts";

/** How large a change of version is, from small to large. */
export const CHANGE_SIZES = ["patch", "minor", "major"] as const;
export type ChangeSize = (typeof CHANGE_SIZES)[number];

/** What a tenant lets happen to a module without being asked, and when. */
export interface UpgradePolicy {
  /** Changes up to this size need no consent. */
  readonly automatic: "none" | ChangeSize;
  /** When the tenant may be moved; null: at any time. */
  readonly window: TimeWindow | null;
  /** Not before this moment, in milliseconds since the epoch. */
  readonly deferUntil: number | null;
  /** Times in which nothing may change: `to` is excluded. */
  readonly freezes: readonly Freeze[];
}

/** Of a tenant that said nothing. */
export const OPEN_POLICY: UpgradePolicy = { automatic: "major", window: null, deferUntil: null, freezes: [] };

export interface DepartureFacts {
  readonly policy: UpgradePolicy;
  readonly from: Version;
  readonly to: Version;
  /** Whether the tenant agreed to this version. */
  readonly consented: boolean;
  /** Whether the tenant's window counts. */
  readonly heedWindow: boolean;
  /** From then on only a freeze keeps a tenant back; null: there is none. */
  readonly deadline: number | null;
  readonly now: number;
}

/** Whether a tenant goes now, later, or not at all. Times are in milliseconds since the epoch. */
export type Departure =
  | { readonly kind: "go" }
  | { readonly kind: "wait"; readonly until: number; readonly reason: string }
  | { readonly kind: "skip"; readonly code: "frozen" | "consent-needed"; readonly reason: string };

/** Asks the tenant's policy. Freezes count before everything, then the deadline, consent, deferral and the window. */
export function decideDeparture(facts: DepartureFacts): Departure {
  const { policy, from, to, consented, heedWindow, deadline, now } = facts;
  const freeze = freezeAt(policy.freezes, now);
  if (freeze !== undefined) {
    return { kind: "skip", code: "frozen", reason: `frozen until ${timeText(freeze.to)}: ${freeze.reason}` };
  }
  if (deadline !== null && deadline <= now) return { kind: "go" };
  const latest = deadline ?? Number.POSITIVE_INFINITY;
  const size = changeSize(from, to);
  if (!consented && !isAutomatic(policy.automatic, size)) {
    const reason = `the tenant must agree to a ${size} change`;
    return deadline === null
      ? { kind: "skip", code: "consent-needed", reason }
      : { kind: "wait", until: deadline, reason: `${reason}, until the deadline` };
  }
  if (policy.deferUntil !== null && policy.deferUntil > now) {
    const until = Math.min(policy.deferUntil, latest);
    return { kind: "wait", until, reason: `the tenant deferred it until ${timeText(policy.deferUntil)}` };
  }
  if (heedWindow && policy.window !== null && !isInWindow(policy.window, now)) {
    const { from: opens, to: closes, timeZone } = policy.window;
    const until = Math.min(openSpan(policy.window, now)?.opens ?? latest, latest);
    if (!Number.isFinite(until)) {
      return { kind: "skip", code: "consent-needed", reason: "the tenant's maintenance window never opens" };
    }
    return { kind: "wait", until, reason: `the tenant's maintenance window, ${opens} to ${closes} ${timeZone}` };
  }
  return { kind: "go" };
}

/** The part of the version number that changes first. */
export function changeSize(from: Version, to: Version): ChangeSize {
  const changed = diff(from, to) ?? "patch";
  if (changed.endsWith("major")) return "major";
  return changed.endsWith("minor") ? "minor" : "patch";
}

function isAutomatic(automatic: UpgradePolicy["automatic"], size: ChangeSize): boolean {
  return automatic !== "none" && CHANGE_SIZES.indexOf(size) <= CHANGE_SIZES.indexOf(automatic);
}

function timeText(moment: number): string {
  return new Date(moment).toISOString();
}
