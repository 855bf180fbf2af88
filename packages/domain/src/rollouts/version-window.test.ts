import fc from "fast-check";
import { expect, it } from "vitest";
import { sketchLatencies } from "../measurements/latency-sketch.ts";
import { cumulate } from "../statistics/cumulative-sketch.ts";
import { addWindows, listLatencies } from "./version-window.ts";

it("windows added up are the window of all their requests", () => {
  const latencies = fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.array(latencies, { maxLength: 5 }), (parts) => {
      const windows = parts.map((part) => ({
        requests: part.length,
        errors: Math.floor(part.length / 2),
        latency: listLatencies(sketchLatencies(part)),
      }));
      const sum = addWindows(windows);
      expect(sum.latency).toEqual(listLatencies(sketchLatencies(parts.flat())));
      const [apart, together] = [cumulate(...windows.map(({ latency }) => latency)), cumulate(sum.latency)];
      for (let bucket = -1; bucket <= apart.last + 1; bucket += 1) {
        const below = sum.latency.filter(([index]) => index <= bucket).reduce((total, [, count]) => total + count, 0);
        expect([apart.upTo(bucket), together.upTo(bucket)]).toEqual([below, below]);
      }
      expect([apart.first, apart.last, apart.total]).toEqual([together.first, together.last, parts.flat().length]);
      expect(sum.requests).toBe(parts.flat().length);
      expect(sum.errors).toBe(windows.reduce((errors, window) => errors + window.errors, 0));
    }),
  );
});
