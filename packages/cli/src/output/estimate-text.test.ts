import { expect, test } from "vitest";
import { estimateText } from "./estimate-text.ts";

const none = { lowMs: 0, highMs: 0 };

test("an estimate is a range, with what it rests on", () => {
  const held = { lowMs: 400, highMs: 2_500 };
  const duration = { lowMs: 900, highMs: 75_000 };
  expect(estimateText({ duration, downtime: held, rows: 1, bytes: 8_192, basis: "history", samples: 12 })).toBe(
    "Takes 900 ms to 1 min 15 s, downtime 400 ms to 2.5 s: about 1 row, as 12 earlier migrations took.",
  );
  expect(estimateText({ duration, downtime: none, rows: 50, bytes: 8_192, basis: "size", samples: 0 })).toBe(
    "Takes 900 ms to 1 min 15 s, no downtime: about 50 rows, by size, for want of earlier migrations.",
  );
});
