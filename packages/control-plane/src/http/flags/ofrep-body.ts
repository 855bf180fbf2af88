import { createHash } from "node:crypto";
import type { FlagResult, FlagSet } from "@aibos/domain";
import type { OfrepContext } from "./ofrep-context.ts";

// Results are shared by all who get the same: each is written as JSON once.
const SUCCESSES = new WeakMap<FlagResult, string>();

/** A result in the protocol's words. */
export function successBody(key: string, result: FlagResult): string {
  const known = SUCCESSES.get(result);
  if (known !== undefined) return known;
  const { value, variant, reason, flagMetadata } = result;
  const body = JSON.stringify({ key, value, reason, variant, metadata: flagMetadata });
  SUCCESSES.set(result, body);
  return body;
}

export function failureBody(key: string, { errorCode, errorMessage, flagMetadata }: FlagResult): string {
  return JSON.stringify({ key, errorCode, errorDetails: errorMessage, metadata: flagMetadata });
}

/** All flags evaluated for one who asks, and the entity tag of that: it changes when a result does, and only then. */
export interface BulkBody {
  readonly flags: string;
  readonly etag: string;
}

interface Kept extends BulkBody {
  readonly results: readonly FlagResult[];
}

const KEPT = new WeakMap<FlagSet, Map<string, Kept>>();
const MAX_KEPT = 20_000;

export function bulkBody(set: FlagSet, tenant: string, { user, attributes }: OfrepContext, now: number): BulkBody {
  const keys = keysOf(set);
  const own = set.forTenant(tenant);
  const results = keys.map((key) => own.evaluate(key, user, attributes, now));
  let kept = KEPT.get(set);
  if (kept === undefined || kept.size > MAX_KEPT) {
    kept = new Map();
    KEPT.set(set, kept);
  }
  const last = kept.get(tenant);
  if (last !== undefined && isSame(last.results, results)) return last;
  const bodies = results.map((result, index) => {
    const key = keys[index] ?? "";
    return result.errorCode === undefined ? successBody(key, result) : failureBody(key, result);
  });
  const flags = `[${bodies.join(",")}]`;
  const made = { results, flags, etag: `"${createHash("sha1").update(flags).digest("base64url")}"` };
  kept.set(tenant, made);
  return made;
}

const KEYS = new WeakMap<FlagSet, readonly string[]>();

function keysOf(set: FlagSet): readonly string[] {
  const known = KEYS.get(set);
  if (known !== undefined) return known;
  const keys = [...set.keys()];
  KEYS.set(set, keys);
  return keys;
}

function isSame(a: readonly FlagResult[], b: readonly FlagResult[]): boolean {
  return a.length === b.length && a.every((result, index) => result === b[index]);
}
