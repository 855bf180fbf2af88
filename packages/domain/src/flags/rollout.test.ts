import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketOf, hashLimit } from "./bucket.ts";
import { percentAt } from "./compile-rollout.ts";
import { FlagSet } from "./flag-set.ts";
import { definitionsOf } from "./testing/definitions-of.ts";

const setOf = (rollout: object): FlagSet =>
  new FlagSet("shop", "1.0.0", definitionsOf({ fresh: { type: "boolean", default: false, rollout } }));
const isOn = (set: FlagSet, tenant: string, user: string, now = 0): boolean =>
  set.evaluate("fresh", { tenant, user }, now).value === true;

test("one comparison says the same as the bucket: below the limit are those of the first parts, and nobody else", () => {
  const hash = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff));
  fc.assert(
    fc.property(fc.nat({ max: 100_000 }), hash, fc.integer({ min: -2, max: 2 }), (parts, any, near) => {
      const limit = hashLimit(parts, 100_000);
      for (const one of [any, Math.min(0xffff_ffff, Math.max(0, limit + near))]) {
        expect(one < limit).toBe(bucketOf(one, 100_000) < parts);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("who sees a flag at one percentage sees it at every higher one", () => {
  let lost = 0;
  fc.assert(
    fc.property(percent(), percent(), fc.string({ unit: "grapheme", minLength: 1 }), (a, b, user) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      const isLost = isOn(setOf({ percent: low }), "acme", user) && !isOn(setOf({ percent: high }), "acme", user);
      lost += Number(isLost);
    }),
    { numRuns: 200 },
  );
  expect(lost).toBe(0);
});

test("a user keeps the answer, in another set and another version too", () => {
  const first = setOf({ percent: 37.125 });
  const second = new FlagSet(
    "shop",
    "2.0.0",
    definitionsOf({ fresh: { flagType: "boolean", defaultValue: false, rollout: { percent: 37.125 } } }),
  );
  for (let user = 0; user < 1_000; user += 1) {
    expect(isOn(first, "acme", `u${user}`)).toBe(isOn(second, "acme", `u${user}`));
  }
});

test("a share is as large as it says, and everybody at 100, nobody at 0", () => {
  const on = (percent: number): number => {
    const set = setOf({ percent });
    let count = 0;
    for (let user = 0; user < 20_000; user += 1) if (isOn(set, "acme", `user-${user}`)) count += 1;
    return count;
  };
  expect([on(0), on(100)]).toEqual([0, 20_000]);
  // Five standard deviations of a binomial.
  expect(Math.abs(on(20) - 4_000)).toBeLessThan(5 * Math.sqrt(20_000 * 0.2 * 0.8));
  expect(Math.abs(on(0.5) - 100)).toBeLessThan(5 * Math.sqrt(100));
});

test("flags choose their users independently, unless a seed ties them", () => {
  const flags = Object.fromEntries(
    ["a", "b", "c"].map((key) => [
      key,
      {
        type: "boolean",
        default: false,
        rollout: { percent: 50, ...(key === "a" ? {} : key === "b" ? {} : { seed: "a" }) },
      },
    ]),
  );
  const set = new FlagSet("shop", "1.0.0", definitionsOf(flags));
  let both = 0;
  let tied = 0;
  for (let user = 0; user < 10_000; user += 1) {
    const context = { tenant: "acme", user: `user-${user}` };
    const [a, b, c] = ["a", "b", "c"].map((key) => set.evaluate(key, context, 0).value);
    if (a === true && b === true) both += 1;
    if (a === c) tied += 1;
  }
  expect(tied).toBe(10_000);
  expect(Math.abs(both - 2_500)).toBeLessThan(5 * Math.sqrt(10_000 * 0.25 * 0.75));
});

test("two tenants' users of one name are two users, and a tenant's rollout takes the whole tenant", () => {
  const byUser = setOf({ percent: 50 });
  const answers = new Set(Array.from({ length: 50 }, (_, index) => isOn(byUser, `tenant-${index}`, "admin")));
  expect(answers.size).toBe(2);
  const byTenant = setOf({ percent: 50, by: "tenant" });
  for (let tenant = 0; tenant < 50; tenant += 1) {
    const users = Array.from({ length: 20 }, (_, user) => isOn(byTenant, `tenant-${tenant}`, `u${user}`));
    expect(new Set(users).size).toBe(1);
  }
});

test("a ramp grows in a straight line between its times, and never loses anybody", () => {
  const ramp = { from: 0, to: 100, start: 0, end: 1_000 };
  expect([-1, 0, 250, 1_000, 5_000].map((now) => percentAt(ramp, now))).toEqual([0, 0, 25, 100, 100]);
  const set = setOf({ ramp: { from: 0, to: 100, start: "2027-01-01T00:00:00Z", end: "2027-01-02T00:00:00Z" } });
  const start = Date.parse("2027-01-01T00:00:00Z");
  for (let user = 0; user < 200; user += 1) {
    const days = [0, 0.1, 0.3, 0.5, 0.9, 1, 2].map((day) => isOn(set, "acme", `u${user}`, start + day * 86_400_000));
    expect(days.toSorted((a, b) => Number(a) - Number(b))).toEqual(days);
    expect([days[0], days.at(-1)]).toEqual([false, true]);
  }
});

test("buckets are those of exact arithmetic for every total", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 2_147_483_647 }), (hash, total) => {
      expect(bucketOf(hash, total)).toBe(Number((BigInt(hash) * BigInt(total)) >> 32n));
    }),
    { numRuns: 1_000 },
  );
});

function percent(): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 100_000 }).map((parts) => parts / 1_000);
}
