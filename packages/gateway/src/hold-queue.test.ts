import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type HoldOutcome, HoldQueue } from "./hold-queue.ts";
import { holdOf } from "./testing/started-gateway.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A queue, and what became of those that waited, by the names that they were given. */
function watched(maxHeld = 10) {
  const queue = new HoldQueue(maxHeld);
  const outcomes: [string, HoldOutcome][] = [];
  const wait = (name: string, maxWaitMs = 1_000, waitedMs = 0, route: "a/x" | "b/x" = "a/x") =>
    queue.wait(route, holdOf({ maxWaitMs }), waitedMs, (outcome) => outcomes.push([name, outcome]));
  return { queue, outcomes, wait };
}

describe("a hold's queue", () => {
  test("lets all go on in the order in which they came, of its own route only", () => {
    const { queue, outcomes, wait } = watched();
    for (const name of ["1", "2", "3"]) wait(name);
    wait("other", 1_000, 0, "b/x");
    expect(queue.size).toBe(4);
    queue.release("a/x");
    expect(outcomes).toEqual([
      ["1", "released"],
      ["2", "released"],
      ["3", "released"],
    ]);
    expect(queue.size).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(outcomes).toHaveLength(4);
    queue.release("a/x");
    expect(outcomes).toHaveLength(4);
  });

  test("tells each when its own time is over, less what it had waited before", () => {
    const { queue, outcomes, wait } = watched();
    wait("long", 1_000);
    wait("short", 300);
    wait("had waited", 1_000, 800);
    wait("had waited longer", 1_000, 2_000);
    expect(outcomes).toEqual([]);
    vi.advanceTimersByTime(299);
    expect(outcomes.map(([name]) => name)).toEqual(["had waited longer", "had waited"]);
    vi.advanceTimersByTime(1);
    expect(outcomes.at(-1)).toEqual(["short", "timeout"]);
    vi.advanceTimersByTime(700);
    expect(outcomes.at(-1)).toEqual(["long", "timeout"]);
    expect([queue.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("refuses those for whom it has no room, never before the caller has the ticket", () => {
    const { queue, outcomes, wait } = watched(1);
    const first = wait("first");
    wait("second");
    expect(outcomes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(outcomes).toEqual([["second", "full"]]);
    first.leave();
    wait("third");
    queue.release("a/x");
    expect(outcomes.at(-1)).toEqual(["third", "released"]);
    const other = new HoldQueue(0);
    let settled = 0;
    other.wait("a/x", holdOf(), 0, () => (settled += 1)).leave();
    vi.advanceTimersByTime(1_000_000);
    expect(settled).toBe(0);
  });

  test("does not end at once for a time that no timer can hold", () => {
    const { outcomes, wait } = watched();
    wait("for ever", Number.MAX_SAFE_INTEGER);
    vi.advanceTimersByTime(86_400_000);
    expect(outcomes).toEqual([]);
  });

  test("may be waited in again while it lets go: that is another wait", () => {
    const queue = new HoldQueue(1);
    const outcomes: string[] = [];
    const wait = (): void =>
      void queue.wait("a/x", holdOf(), 0, (outcome) => {
        outcomes.push(outcome);
        if (outcomes.length === 1) wait();
      });
    wait();
    queue.release("a/x");
    expect([outcomes, queue.size]).toEqual([["released"], 1]);
    queue.stop();
    expect(outcomes).toEqual(["released", "stopping"]);
  });

  const step = fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ kind: fc.constant("leave" as const), index: fc.nat(20) }),
    fc.record({ kind: fc.constant("time" as const), ms: fc.nat(60) }),
    fc.constant({ kind: "release" as const }),
  );

  test("settles everybody once who did not leave, and nobody who did, and never holds more than it may", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (steps, maxHeld) => {
        const queue = new HoldQueue(maxHeld);
        const settled: HoldOutcome[][] = [];
        const left = new Set<number>();
        const tickets: { leave(): void }[] = [];
        for (const next of steps) {
          if (next.kind === "wait") {
            const outcomes: HoldOutcome[] = [];
            settled.push(outcomes);
            tickets.push(queue.wait("a/x", holdOf({ maxWaitMs: next.ms }), 0, (outcome) => outcomes.push(outcome)));
          } else if (next.kind === "leave") {
            if (settled[next.index]?.length === 0) left.add(next.index);
            tickets[next.index]?.leave();
          } else if (next.kind === "time") vi.advanceTimersByTime(next.ms);
          else queue.release("a/x");
          expect(queue.size).toBeLessThanOrEqual(maxHeld);
        }
        queue.stop();
        vi.advanceTimersByTime(1);
        expect(settled.map((outcomes) => outcomes.length)).toEqual(
          settled.map((_, index) => (left.has(index) ? 0 : 1)),
        );
        expect([queue.size, vi.getTimerCount()]).toEqual([0, 0]);
      }),
    );
  });
});
