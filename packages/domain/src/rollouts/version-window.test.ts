import fc from "fast-check";
import { expect, it } from "vitest";
import { sketchLatencies } from "../measurements/latency-sketch.ts";
import { addWindows, listLatencies, sketchOf } from "./version-window.ts";

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
      expect(sketchOf(windows)).toEqual(sketchLatencies(parts.flat()));
      expect(sum.requests).toBe(parts.flat().length);
      expect(sum.errors).toBe(windows.reduce((errors, window) => errors + window.errors, 0));
    }),
  );
});
