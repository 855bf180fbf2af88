import { describe, expect, it } from "vitest";
import { xxh32 } from "./xxh32.ts";

describe("xxh32", () => {
  // From the algorithm's reference implementation (libxxhash 0.8).
  it.each([
    ["", 0, 0x02_cc_5d_05],
    ["", 2_654_435_761, 0x36_b7_8a_e7],
    ["a", 0, 0x55_0d_74_56],
    ["a", 1, 0xf5_14_70_6f],
    ["abc", 0, 0x32_d1_53_ff],
    ["abc", 4_294_967_295, 0xb2_2b_14_20],
    ["0123456789abcde", 0, 0x1d_bd_fa_0f],
    ["0123456789abcdef", 0, 0xc2_c4_5b_69],
    ["Nobody inspects the spammish repetition", 0, 0xe2_29_3b_2f],
    ["Grüße, 世界 🌍", 0, 0x02_1a_cc_30],
    ["Grüße, 世界 🌍", 42, 0x2b_e0_0b_94],
    ["x".repeat(1_000), 7, 0x5e_6a_ad_fa],
  ])("of %j with seed %i is the reference's", (text, seed, expected) => {
    expect(xxh32(text, seed)).toBe(expected);
  });

  it("is the same at every call, since a hash that kept state would move users", () => {
    const first = xxh32("user-1", 5);
    xxh32("x".repeat(100), 9);
    expect(xxh32("user-1", 5)).toBe(first);
  });
});
