import { describe, expect, it } from "vitest";
import { parseVersion } from "../versions/version.ts";
import { decideDeparture, type DepartureFacts, OPEN_POLICY } from "./departure.ts";
import { exceedsLimit } from "./failure-limit.ts";
import { planWaves, type UpgradeWave } from "./upgrade-waves.ts";

const WAVES: UpgradeWave[] = [
  { upTo: "canary", soakSeconds: 600 },
  { upTo: 1, soakSeconds: 300 },
  { upTo: 10, soakSeconds: 60 },
  { upTo: 100, soakSeconds: 0 },
];
const shape = (tenants: number, canaries: number, batchSize = 50) =>
  planWaves({ tenants, canaries }, WAVES, batchSize).map(({ name, start, end, firstBatch, lastBatch }) => [
    name,
    start,
    end,
    firstBatch,
    lastBatch,
  ]);

describe("waves", () => {
  it("are canaries, one percent, ten percent and the rest, each in batches of its own", () => {
    expect(shape(1_000, 3)).toEqual([
      ["canary", 0, 3, 0, 0],
      ["1 %", 3, 10, 1, 1],
      ["10 %", 10, 100, 2, 3],
      ["rest", 100, 1_000, 4, 21],
    ]);
  });

  it("are left out where they would be empty, and nobody is", () => {
    expect(shape(5, 0)).toEqual([
      ["1 %", 0, 1, 0, 0],
      ["rest", 1, 5, 1, 1],
    ]);
    expect(shape(4, 4)).toEqual([["canary", 0, 4, 0, 0]]);
    expect(shape(0, 0)).toEqual([]);
    expect(planWaves({ tenants: 10, canaries: 0 }, [], 4)).toMatchObject([
      { name: "rest", start: 0, end: 10, lastBatch: 2 },
    ]);
  });
});

describe("a failure limit", () => {
  it.each([
    [undefined, 100, 100, false],
    [{ count: 3 }, 3, 200, false],
    [{ count: 3 }, 4, 200, true],
    [{ count: 0 }, 1, 200, true],
    [{ count: 0 }, 0, 200, false],
    [{ percent: 5 }, 10, 200, false],
    [{ percent: 5 }, 11, 200, true],
  ])("of %j, with %i of %i failed, is exceeded: %s", (limit, failed, tenants, expected) => {
    expect(exceedsLimit(limit, failed, tenants)).toBe(expected);
  });
});

describe("a tenant departs", () => {
  const now = Date.parse("2027-01-29T12:00:00Z");
  const night = { from: "22:00", to: "05:00", days: [], timeZone: "Europe/Berlin" };
  const FACTS: DepartureFacts = {
    policy: OPEN_POLICY,
    from: parseVersion("1.5.0"),
    to: parseVersion("2.0.0"),
    consented: false,
    heedWindow: true,
    deadline: null,
    now,
  };
  const decide = (changes: Partial<DepartureFacts>) => decideDeparture({ ...FACTS, ...changes });
  const minor = { ...OPEN_POLICY, automatic: "minor" as const };

  it("at once when it said nothing", () => expect(decide({})).toEqual({ kind: "go" }));

  it("only with its consent when the change is larger than it lets happen", () => {
    expect(decide({ policy: minor })).toMatchObject({ kind: "skip", code: "consent-needed" });
    expect(decide({ policy: minor, consented: true }).kind).toBe("go");
    expect(decide({ policy: minor, to: parseVersion("1.6.0") }).kind).toBe("go");
    expect(decide({ policy: minor, deadline: now + 5 })).toMatchObject({ kind: "wait", until: now + 5 });
    expect(decide({ policy: minor, deadline: now }).kind).toBe("go");
  });

  it("in its window, and not before it was deferred to, but at the deadline", () => {
    const opens = Date.parse("2027-01-29T21:00:00Z");
    const policy = { ...OPEN_POLICY, window: night };
    expect(decide({ policy })).toMatchObject({ kind: "wait", until: opens });
    expect(decide({ policy, now: opens }).kind).toBe("go");
    expect(decide({ policy, heedWindow: false }).kind).toBe("go");
    expect(decide({ policy, deadline: now + 60_000 })).toMatchObject({ kind: "wait", until: now + 60_000 });
    expect(decide({ policy: { ...policy, deferUntil: opens + 1 } })).toMatchObject({ kind: "wait", until: opens + 1 });
  });

  it("not while it is frozen, whatever the deadline", () => {
    const policy = { ...OPEN_POLICY, freezes: [{ from: now - 1, to: now + 1, reason: "year end" }] };
    expect(decide({ policy, deadline: now - 10 })).toMatchObject({
      kind: "skip",
      code: "frozen",
      reason: "frozen until 2027-01-29T12:00:00.001Z: year end",
    });
    expect(decide({ policy, now: now + 1 }).kind).toBe("go");
  });
});
