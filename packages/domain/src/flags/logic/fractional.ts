import { bucketOf } from "../bucket.ts";
import { murmur3, murmurAfter, type MurmurState } from "../murmur3.ts";
import type { LogicFrame } from "./logic-frame.ts";

const MAX_WEIGHT = 2_147_483_647;

/**
 * flagd's `fractional`, version 2: `[bucketing text?, [variant, weight?], …]`. Without a text, the flag's key and the
 * targeting key are hashed together. Null for what it can't use.
 */
export function chooseFraction(values: readonly unknown[], frame: LogicFrame, flag: MurmurState): unknown {
  const given = values[0];
  let hash: number;
  if (typeof given === "string") {
    hash = murmur3(given);
  } else {
    const key = frame.user ?? frame.tenant.id;
    if (key === "") return null;
    hash = murmurAfter(flag, key);
  }
  const start = typeof given === "string" ? 1 : 0;
  const total = totalOf(values, start);
  if (total === null || total > MAX_WEIGHT) return null;
  const bucket = bucketOf(hash, total);
  let sum = 0;
  for (let index = start; index < values.length; index += 1) {
    const entry = values[index] as readonly unknown[];
    sum += weightOf(entry);
    if (sum > bucket) return entry[0] ?? null;
  }
  return null;
}

function totalOf(values: readonly unknown[], start: number): number | null {
  let total = 0;
  for (let index = start; index < values.length; index += 1) {
    const entry = values[index];
    if (!Array.isArray(entry) || entry.length < 1 || entry.length > 2) return null;
    if (typeof entry[0] === "object" && entry[0] !== null) return null;
    if (entry.length === 2 && !Number.isInteger(entry[1])) return null;
    total += weightOf(entry);
  }
  return values.length === 0 ? null : total;
}

function weightOf(entry: readonly unknown[]): number {
  return entry.length === 1 ? 1 : Math.max(0, Number(entry[1]));
}
