import { xxHash32 } from "js-xxhash";

const encoder = new TextEncoder();

/** XXH32 of the text's UTF-8 bytes, as an unsigned 32-bit number. Algorithm: Yann Collet, xxHash; HAProxy's `xxh32`. */
export function xxh32(text: string, seed: number): number {
  return xxHash32(encoder.encode(text), seed);
}
