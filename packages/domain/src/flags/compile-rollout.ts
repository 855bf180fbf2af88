import { hashLimit, ROLLOUT_PARTS } from "./bucket.ts";
import type { FlagRamp, FlagRollout } from "./flag-definition.ts";
import { murmurAfter, murmurAfterPair, murmurState } from "./murmur3.ts";
import { type LogicFrame, READS_TENANT, READS_TIME, READS_USER } from "./logic/logic-frame.ts";

export interface CompiledRollout {
  readonly variant: string;
  readonly reads: number;
  /** Whether the one whom the context names is in. */
  readonly includes: (frame: LogicFrame) => boolean;
}

/**
 * A rollout as a question. Who is in at 20 % is in at 50 %: the hash gives everybody a place from 0 to 99,999 that
 * never moves, and the first ones are in.
 */
export function compileRollout(key: string, rollout: FlagRollout): CompiledRollout {
  const hashOf = hasher(rollout.seed ?? key, rollout.by);
  const { percent, variant } = rollout;
  const reads = rollout.by === "tenant" ? READS_TENANT : READS_TENANT | READS_USER;
  if (typeof percent !== "number") {
    return {
      variant,
      reads: reads | READS_TIME,
      includes: (frame) => hashOf(frame) < limitOf(percentAt(percent, frame.now)),
    };
  }
  const limit = limitOf(percent);
  if (rollout.guarded === true) return { variant, reads, includes: guarded(key, hashOf, limit) };
  if (rollout.by === "user") return { variant, reads, includes: usersBelow(limit, rollout.seed ?? key) };
  return { variant, reads, includes: (frame) => hashOf(frame) < limit };
}

/** The commonest rollout, in one closure. */
function usersBelow(limit: number, seed: string): CompiledRollout["includes"] {
  const state = murmurState(seed);
  return ({ tenant, user }) => user !== undefined && murmurAfterPair(state, tenant.id, user) < limit;
}

/** Tells of each answer that the dice gave: of those for whom none are thrown, nothing can be learned. */
function guarded(key: string, hashOf: ReturnType<typeof hasher>, limit: number): CompiledRollout["includes"] {
  return (frame) => {
    const hash = hashOf(frame);
    const isIn = hash < limit;
    if (hash !== NOBODY) frame.met?.(key, isIn);
    return isIn;
  };
}

/** Percent of a ramp at a time, milliseconds since 1970. */
export function percentAt({ from, to, start, end }: FlagRamp, now: number): number {
  if (now <= start) return from;
  if (now >= end) return to;
  return from + ((to - from) * (now - start)) / (end - start);
}

/** The hash below which somebody is in. */
function limitOf(percent: number): number {
  return hashLimit(Math.round((percent / 100) * ROLLOUT_PARTS), ROLLOUT_PARTS);
}

/** The hash of whom no dice are thrown for: in no share, not even the whole. */
const NOBODY = 0x1_0000_0000;

function hasher(seed: string, by: FlagRollout["by"]): (frame: LogicFrame) => number {
  const state = murmurState(seed);
  if (by === "tenant") return (frame) => murmurAfter(state, frame.tenant.id);
  if (by === "user") {
    // Two tenants' users of one name are two users.
    return ({ tenant, user }) => (user === undefined ? NOBODY : murmurAfterPair(state, tenant.id, user));
  }
  return ({ attributes }) => {
    const value = Object.hasOwn(attributes, by.attribute) ? attributes[by.attribute] : undefined;
    return typeof value === "string" || typeof value === "number" ? murmurAfter(state, String(value)) : NOBODY;
  };
}
