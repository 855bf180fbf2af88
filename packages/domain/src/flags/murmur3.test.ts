import fc from "fast-check";
import { expect, test } from "vitest";
import { murmur3, murmurAfter, murmurAfterPair, murmurState } from "./murmur3.ts";

// Made with smhasher's MurmurHash3_x86_32 and seed 0; the first ones are the vectors that other libraries publish.
const VECTORS: [string, number][] = [
  ["", 0],
  ["a", 0x3c2569b2],
  ["test", 0xba6bd213],
  ["Hello, world!", 0xc0363e43],
  ["The quick brown fox jumps over the lazy dog", 0x2e4ff723],
];

/** The algorithm as its author's C has it, over bytes, with arithmetic of arbitrary size: slow, and hard to get wrong. */
function murmurReference(text: string): number {
  const bytes = Buffer.from(text, "utf8");
  const mask = 0xffffffffn;
  const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (32n - by))) & mask;
  const scramble = (block: bigint): bigint => (rotate((block * 0xcc9e2d51n) & mask, 15n) * 0x1b873593n) & mask;
  let hash = 0n;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (rotate(hash ^ scramble(BigInt(bytes.readUInt32LE(at))), 13n) * 5n + 0xe6546b64n) & mask;
  }
  let tail = 0n;
  for (let index = bytes.length - 1; index >= at; index -= 1) tail = (tail << 8n) | BigInt(bytes[index] ?? 0);
  if (at < bytes.length) hash ^= scramble(tail);
  hash ^= BigInt(bytes.length);
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & mask;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & mask;
  return Number(hash ^ (hash >> 16n));
}

test.each(VECTORS)("%j hashes as published", (text, hash) => {
  expect(murmur3(text)).toBe(hash);
});

test("any text, outside ASCII too, hashes as the bytes of its UTF-8 do", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
      expect(murmur3(text)).toBe(murmurReference(text));
    }),
    { numRuns: 300 },
  );
  for (const text of ["ü", "Zürich", "日本語", "👩‍🚀 user", "\ud800", "a\udc00b", "\ud83dx"]) {
    expect(murmur3(text)).toBe(murmurReference(text));
  }
});

test("a hash that is taken up after a prefix is that of the whole", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "grapheme" }),
      (a, b, c) => {
        expect(murmurAfter(murmurState(a), b)).toBe(murmur3(a + b));
        expect(murmurAfterPair(murmurState(a), b, c)).toBe(murmur3(`${a + b}/${c}`));
      },
    ),
  );
});
