import { expect, test } from "vitest";
import { releaseMemory } from "./release-memory.ts";

test("gives back what is not used any more", () => {
  let garbage: unknown[] | undefined = Array.from({ length: 200_000 }, (_, n) => ({ name: `object ${n}`, of: [n] }));
  expect(garbage).toHaveLength(200_000);
  const before = process.memoryUsage().heapTotal;
  garbage = undefined;
  releaseMemory();
  expect(process.memoryUsage().heapTotal).toBeLessThan(before);
});
