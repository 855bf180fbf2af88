import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RouteDrain } from "./route-drain.ts";

describe("requests under way", () => {
  test("drain only when their route changes, and are gone when the last of them ended", () => {
    let drained = 0;
    const drain = new RouteDrain(() => (drained += 1));
    const [first, second] = [drain.start("acme/notes"), drain.start("acme/notes")];
    drain.start("globex/notes");
    expect(drain.draining()).toEqual([]);
    drain.changed("acme/notes");
    drain.changed("initech/notes");
    const third = drain.start("acme/notes");
    expect(drain.draining()).toEqual([{ tenant: "acme", module: "notes", requests: 2 }]);
    first();
    first();
    expect(drain.draining()).toEqual([{ tenant: "acme", module: "notes", requests: 1 }]);
    expect(drained).toBe(0);
    second();
    expect([drain.draining(), drained]).toEqual([[], 1]);
    third();
    expect(drained).toBe(1);
  });

  const route = fc.constantFrom("a/x" as const, "b/x" as const);
  const step = fc.oneof(
    fc.record({ kind: fc.constant("start" as const), route }),
    fc.record({ kind: fc.constant("changed" as const), route }),
    fc.record({ kind: fc.constant("end" as const), request: fc.nat(20) }),
  );

  test("are counted as a list of all of them would be, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let drained = 0;
        const drain = new RouteDrain(() => (drained += 1));
        const requests: { route: string; end: () => void; state: "current" | "older" | "ended" }[] = [];
        const older = (name: string): number =>
          requests.filter((request) => request.route === name && request.state === "older").length;
        for (const next of steps) {
          const before = { a: older("a/x"), b: older("b/x"), drained };
          if (next.kind === "start") {
            requests.push({ route: next.route, end: drain.start(next.route), state: "current" });
          } else if (next.kind === "changed") {
            drain.changed(next.route);
            for (const request of requests) {
              if (request.route === next.route && request.state === "current") request.state = "older";
            }
          } else {
            const request = requests[next.request];
            request?.end();
            if (request !== undefined) request.state = "ended";
          }
          const expected = ["a", "b"].flatMap((tenant) => {
            const count = older(`${tenant}/x`);
            return count === 0 ? [] : [{ tenant, module: "x", requests: count }];
          });
          expect(drain.draining().toSorted((one, other) => one.tenant.localeCompare(other.tenant))).toEqual(expected);
          const wasDrained = (before.a > 0 && older("a/x") === 0) || (before.b > 0 && older("b/x") === 0);
          expect(drained - before.drained).toBe(wasDrained ? 1 : 0);
        }
      }),
    );
  });
});
