import fc from "fast-check";
import { expect, test } from "vitest";
import { slotPattern } from "./slot-header.ts";

test("a pattern of slots takes exactly those of its range", () => {
  const slot = fc.integer({ min: 0, max: 9_999 });
  fc.assert(
    fc.property(slot, slot, (a, b) => {
      const [first, last] = a < b ? [a, b] : [b, a];
      const pattern = new RegExp(slotPattern(first, last));
      for (let n = 0; n < 10_000; n += 1) expect(pattern.test(String(n))).toBe(n >= first && n <= last);
    }),
    {
      numRuns: 30,
      examples: [
        [0, 9_999],
        [0, 0],
        [9_999, 9_999],
        [999, 1_000],
        [9, 10],
      ],
    },
  );
});

test("a pattern of slots is short, and takes no other spelling of a number", () => {
  expect(slotPattern(0, 1_999).length).toBeLessThan(80);
  for (const text of ["", "00", "01", "1.0", "10000", " 1"])
    expect(new RegExp(slotPattern(0, 9_999)).test(text)).toBe(false);
});
