import { expect, test } from "vitest";
import type { FlagScope, FlagSetting } from "./flag-definition.ts";
import { FlagSet } from "./flag-set.ts";
import { definitionsOf } from "./testing/definitions-of.ts";

const DEFINITIONS = definitionsOf({
  new_ui_enabled: { type: "boolean", default: false },
  theme: { type: "string", default: "light", variants: { light: "light", dark: "dark" } },
  limit: { type: "integer", default: 10 },
  for_pros: { type: "boolean", default: false, targeting: { "==": [{ var: "tenant.plan" }, "pro"] } },
  for_admins: { type: "boolean", default: false, targeting: { in: [{ var: "role" }, ["admin", "owner"]] } },
  needs_ui: { type: "boolean", default: false, targeting: true, prerequisites: [{ flag: "new_ui_enabled" }] },
  gone: { type: "boolean", default: true, state: "DISABLED" },
});

function newSet(): FlagSet {
  const set = new FlagSet("accounting", "2.0.0", DEFINITIONS);
  set.setTenant({ id: "acme", labels: { plan: "pro", region: "eu" } });
  set.setTenant({ id: "globex", labels: { plan: "free" } });
  return set;
}

const put = (set: FlagSet, flag: string, scope: FlagScope, setting: FlagSetting | null): void =>
  set.apply({ flag, scope, setting });
const read = (set: FlagSet, flag: string, tenant = "acme", user?: string, attributes?: Record<string, unknown>) => {
  const { value, reason, variant } = set.evaluate(flag, { tenant, user, attributes }, 0);
  return [value, reason, variant];
};

test("a flag that nobody touched is its default, and says where that is from", () => {
  const result = newSet().evaluate("new_ui_enabled", { tenant: "acme" }, 0);
  expect(result).toEqual({
    value: false,
    variant: "off",
    reason: "STATIC",
    flagMetadata: { flagSetId: "accounting", flagSetVersion: "2.0.0" },
  });
});

test("a user's setting beats the tenant's, that the segment's, that the module's, that the version's", () => {
  const set = newSet();
  set.setSegment("europe", { name: "europe", when: { "==": [{ var: "tenant.region" }, "eu"] } });
  const seen = (): unknown[] => [read(set, "limit", "acme", "ann")[0], read(set, "limit", "globex", "ann")[0]];
  expect(seen()).toEqual([10, 10]);
  put(set, "limit", { level: "module" }, { value: 1 });
  expect(seen()).toEqual([1, 1]);
  put(set, "limit", { level: "segment", segment: "europe" }, { value: 2 });
  expect(seen()).toEqual([2, 1]);
  put(set, "limit", { level: "tenant", tenant: "acme" }, { value: 3 });
  expect(seen()).toEqual([3, 1]);
  put(set, "limit", { level: "user", tenant: "acme", user: "ann" }, { value: 4 });
  expect(seen()).toEqual([4, 1]);
  expect(read(set, "limit", "acme", "bob")[0]).toBe(3);
  put(set, "limit", { level: "user", tenant: "acme", user: "ann" }, null);
  put(set, "limit", { level: "tenant", tenant: "acme" }, null);
  put(set, "limit", { level: "segment", segment: "europe" }, null);
  put(set, "limit", { level: "module" }, null);
  expect(read(set, "limit")).toEqual([10, "STATIC", "default"]);
});

test("targeting sees the tenant's facts, and no attribute can stand in for them", () => {
  const set = newSet();
  expect(read(set, "for_pros", "acme")).toEqual([true, "TARGETING_MATCH", "on"]);
  expect(read(set, "for_pros", "globex")).toEqual([false, "TARGETING_MATCH", "off"]);
  expect(read(set, "for_pros", "globex", "u", { tenant: { plan: "pro" }, "tenant.plan": "pro" })[0]).toBe(false);
  set.setTenant({ id: "globex", labels: { plan: "pro" } });
  expect(read(set, "for_pros", "globex")[0]).toBe(true);
});

test("attributes are seen as they are given, however odd", () => {
  const set = newSet();
  expect(read(set, "for_admins", "acme", "u", { role: "admin" })[0]).toBe(true);
  for (const attributes of [
    {},
    { role: null },
    { role: {} },
    JSON.parse('{"__proto__":{"role":"admin"}}'),
    { role: () => "admin" },
  ]) {
    expect(read(set, "for_admins", "acme", "u", attributes)[0]).toBe(false);
  }
  expect(read(set, "for_admins", "acme", "u", Object.create({ role: "admin" }))[0]).toBe(false);
});

test("an unmet prerequisite gives the default, whatever is set", () => {
  const set = newSet();
  expect(read(set, "needs_ui")).toEqual([false, "PREREQUISITE_FAILED", "off"]);
  put(set, "new_ui_enabled", { level: "tenant", tenant: "acme" }, { value: true });
  expect(read(set, "needs_ui")).toEqual([true, "TARGETING_MATCH", "on"]);
  expect(read(set, "needs_ui", "globex")[0]).toBe(false);
});

test("a killed flag is off for everybody at once, and back as it was afterwards", () => {
  const set = newSet();
  put(set, "new_ui_enabled", { level: "tenant", tenant: "acme" }, { value: true });
  expect(read(set, "new_ui_enabled")[0]).toBe(true);
  set.setKilled("new_ui_enabled", true);
  expect(read(set, "new_ui_enabled")).toEqual([false, "DISABLED", "off"]);
  expect(read(set, "needs_ui")[0]).toBe(false);
  set.setKilled("new_ui_enabled", false);
  expect(read(set, "new_ui_enabled")).toEqual([true, "TARGETING_MATCH", "on"]);
});

test("a disabled definition is left to its callers", () => {
  expect(read(newSet(), "gone")).toEqual([undefined, "DISABLED", undefined]);
});

test("a setting counts between its times alone", () => {
  const set = newSet();
  put(set, "limit", { level: "tenant", tenant: "acme" }, { value: 99, from: 100, until: 200 });
  const at = (now: number): unknown => set.evaluate("limit", { tenant: "acme" }, now).value;
  expect([99, 100, 199, 200].map(at)).toEqual([10, 99, 99, 10]);
});

test("a flag that is not declared is said to be unknown, and no name breaks the evaluator", () => {
  const set = newSet();
  for (const key of ["nothing", "__proto__", "constructor", "toString", "", "💥"]) {
    const result = set.evaluate(key, { tenant: "acme" }, 0);
    expect([result.value, result.errorCode]).toEqual([undefined, "FLAG_NOT_FOUND"]);
  }
});

test("results are looked up until something changes that they depend on", () => {
  const set = newSet();
  const first = set.evaluate("for_pros", { tenant: "acme" }, 0);
  expect(set.evaluate("for_pros", { tenant: "acme", user: "x", attributes: { a: 1 } }, 9)).toBe(first);
  put(set, "for_pros", { level: "module" }, { value: true });
  put(set, "for_pros", { level: "tenant", tenant: "acme" }, { value: false });
  expect(read(set, "for_pros")[0]).toBe(false);
  expect(read(set, "for_pros", "globex")[0]).toBe(true);
  const handle = set.forTenant("acme");
  expect(handle.evaluate("for_pros", undefined, undefined, 0).value).toBe(false);
  put(set, "for_pros", { level: "tenant", tenant: "acme" }, null);
  expect(handle.evaluate("for_pros", undefined, undefined, 0).value).toBe(true);
});

test("a guarded rollout tells whom it took in and whom not, and of nobody who never came to it", () => {
  const flags = {
    guarded: { type: "boolean", default: false },
    above: { type: "boolean", default: false, prerequisites: [{ flag: "guarded", variant: "on" }] },
  };
  const set = new FlagSet("m", "1.0.0", definitionsOf(flags));
  put(set, "guarded", { level: "module" }, { rollout: { variant: "on", by: "user", percent: 50, guarded: true } });
  put(set, "guarded", { level: "user", tenant: "acme", user: "chosen" }, { value: true });
  const told: string[] = [];
  const met = (flag: string, isIn: boolean): number => told.push(`${flag} ${isIn}`);
  const users = Array.from({ length: 100 }, (_, index) => `u${index}`);
  const values = users.map((user) => set.evaluate("guarded", { tenant: "acme", user, met }, 0).value === true);
  expect(told).toEqual(values.map((value) => `guarded ${value}`));
  told.length = 0;
  // Nobody in particular, somebody with a value of their own, and nobody who listens.
  set.evaluate("guarded", { tenant: "acme", met }, 0);
  set.evaluate("guarded", { tenant: "acme", user: "chosen", met }, 0);
  set.evaluate("guarded", { tenant: "acme", user: "u1" }, 0);
  expect(told).toEqual([]);
  set.evaluate("above", { tenant: "acme", user: "u1", met }, 0);
  expect(told).toEqual([`guarded ${values[1]}`]);
});

test("a segment that changes changes what its rules and expressions decide", () => {
  const set = new FlagSet(
    "m",
    "1.0.0",
    definitionsOf({ a: { type: "boolean", default: false, targeting: { if: [{ segment: "big" }, true, null] } } }),
  );
  set.setTenant({ id: "acme", labels: { size: "big" } });
  expect(read(set, "a")[1]).toBe("DEFAULT");
  set.setSegment("big", { name: "big", when: { "==": [{ var: "tenant.labels.size" }, "big"] } });
  expect(read(set, "a")).toEqual([true, "TARGETING_MATCH", "on"]);
  set.setSegment("big", null);
  expect(read(set, "a")[0]).toBe(false);
});

test("explain tells each rule that was looked at", () => {
  const set = newSet();
  put(set, "for_pros", { level: "module" }, { rollout: { variant: "on", by: "user", percent: 0 } });
  const { result, steps } = set.explain("for_pros", { tenant: "acme", user: "ann" }, 0);
  expect(result.value).toBe(true);
  expect(steps.map(({ rule, outcome }) => `${rule} ${outcome}`)).toEqual([
    "user passed",
    "tenant passed",
    "module passed",
    "definition decided",
  ]);
});

test("no two tenants ever see each other's settings, whatever their order", () => {
  const set = newSet();
  const tenants = Array.from({ length: 300 }, (_, index) => `t${index}`);
  for (const tenant of tenants.toReversed()) read(set, "limit", tenant);
  for (const [index, tenant] of tenants.entries()) put(set, "limit", { level: "tenant", tenant }, { value: index });
  for (const [index, tenant] of tenants.entries()) expect(read(set, "limit", tenant)[0]).toBe(index);
});
