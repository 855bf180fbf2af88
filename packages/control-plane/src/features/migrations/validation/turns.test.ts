import { describe, expect, it } from "vitest";
import { createTurns } from "./turns.ts";

const LONG = 60_000;

describe("turns", () => {
  it("are taken one after the other, in order, a failure included", async () => {
    const turns = createTurns();
    const seen: string[] = [];
    const { promise: first, resolve: endFirst } = Promise.withResolvers<void>();
    const takers = [
      turns.take("a", LONG, async () => {
        seen.push("first begins");
        await first;
        seen.push("first ends");
      }),
      turns.take("a", LONG, async () => {
        seen.push("second");
        throw new Error("it went wrong");
      }),
      turns.take("a", LONG, async () => {
        seen.push("third");
      }),
    ];
    await turns.take("b", LONG, async () => {
      seen.push("another key");
    });
    endFirst();
    expect(await Promise.allSettled(takers)).toMatchObject([{ value: true }, { status: "rejected" }, { value: true }]);
    expect(seen).toEqual(["first begins", "another key", "first ends", "second", "third"]);
  });

  it("are not waited for longer than wanted, and who gave up keeps nobody", async () => {
    const turns = createTurns();
    const seen: string[] = [];
    const { promise: first, resolve: endFirst } = Promise.withResolvers<void>();
    const busy = turns.take("a", LONG, () => first);
    expect(
      await turns.take("a", 1, async () => {
        seen.push("never");
      }),
    ).toBe(false);
    const next = turns.take("a", LONG, async () => {
      seen.push("next");
    });
    // Who gave up lets nobody in beside who is there.
    await new Promise(setImmediate);
    expect(seen).toEqual([]);
    endFirst();
    expect(await Promise.all([busy, next])).toEqual([true, true]);
    expect(seen).toEqual(["next"]);
  });
});
