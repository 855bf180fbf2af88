import { xxHash32 } from "js-xxhash";

const encoder = new TextEncoder();
/** Texts up to so many UTF-16 units are encoded in place: a fresh array costs more than the hash. */
const SCRATCH_UNITS = 512;
const scratch = new Uint8Array(3 * SCRATCH_UNITS);

/** XXH32 of the text's UTF-8 bytes, as an unsigned 32-bit number. Algorithm: Yann Collet, xxHash; HAProxy's `xxh32`. */
export function xxh32(text: string, seed: number): number {
  if (text.length > SCRATCH_UNITS) return xxHash32(encoder.encode(text), seed);
  return xxHash32(scratch.subarray(0, encoder.encodeInto(text, scratch).written), seed);
}
