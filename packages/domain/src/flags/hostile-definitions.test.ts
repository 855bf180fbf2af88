import { expect, test } from "vitest";
import { FlagSet } from "./flag-set.ts";
import { parseFlagDefinitions } from "./parse-flag-definitions.ts";
import { definitionsOf } from "./testing/definitions-of.ts";

const targeted = (targeting: unknown): Record<string, unknown> => ({
  f: { type: "boolean", default: false, targeting },
});

function nested(depth: number): unknown {
  let logic: unknown = true;
  for (let level = 0; level < depth; level += 1) logic = { "!": [logic] };
  return logic;
}

test.each<[string, unknown, RegExp]>([
  ["too deep", nested(5_000), /deep/],
  ["too large", { or: Array.from({ length: 5_000 }, () => true) }, /parts/],
  ["an operation that there isn't", { constructor: ["return process"] }, /name that can be used/],
  ["a prototype's name", JSON.parse('{"==": [{"__proto__": 1}, 1]}'), /name that can be used/],
  ["what an object has of itself", { toString: [] }, /no operation/],
  ["two operations", { "==": [1, 1], "!": [1] }, /one operation/],
  ["a list in a list's body", { map: [{ var: "a" }, { map: [{ var: "" }, 1] }] }, /body/],
  ["a name that is computed", { var: { cat: ["a", "b"] } }, /fixed name/],
  ["a huge text", { "==": ["x".repeat(20_000), 1] }, /characters/],
])("targeting with %s is refused", (_, targeting, message) => {
  const { definitions, problems } = parseFlagDefinitions(targeted(targeting));
  expect(definitions).toEqual([]);
  expect(problems[0]?.message).toMatch(message);
  expect(problems[0]?.path.slice(0, 2)).toEqual(["f", "targeting"]);
});

test.each<[string, unknown, Record<string, unknown>]>([
  [
    "a list of a million",
    { some: [{ var: "list" }, { "==": [{ var: "" }, 1] }] },
    { list: Array.from({ length: 1e6 }, () => 0) },
  ],
  [
    "a text that doubles",
    { reduce: [{ var: "list" }, { cat: [{ var: "accumulator" }, { var: "accumulator" }] }, "xx"] },
    { list: Array.from({ length: 60 }, () => 0) },
  ],
  [
    "a list that doubles",
    { reduce: [{ var: "list" }, { merge: [{ var: "accumulator" }, { var: "accumulator" }] }, [1]] },
    { list: Array.from({ length: 60 }, () => 0) },
  ],
  ["text in a sum", { "+": [{ var: "a" }, 1] }, { a: "x" }],
  ["an object in a comparison", { "<": [{ var: "a" }, 1] }, { a: {} }],
  [
    "a getter that throws",
    { "==": [{ var: "a" }, 1] },
    {
      get a(): never {
        throw new Error("mine");
      },
    },
  ],
])("evaluating %s gives the default and says ERROR", (_, targeting, attributes) => {
  const set = new FlagSet("m", "1.0.0", definitionsOf(targeted(targeting)));
  const result = set.evaluate("f", { tenant: "t", user: "u", attributes }, 0);
  expect([result.value, result.reason, result.errorCode]).toEqual([false, "ERROR", "GENERAL"]);
});

test("prerequisites in a circle, of flags that there aren't, or of variants that there aren't are refused", () => {
  const flag = (needs: string, variant = "on") => ({
    type: "boolean",
    default: false,
    prerequisites: [{ flag: needs, variant }],
  });
  const messageOf = (flags: Record<string, unknown>): string | undefined =>
    parseFlagDefinitions(flags).problems[0]?.message;
  expect(messageOf({ a: flag("b"), b: flag("c"), c: flag("a") })).toContain("a → b → c → a");
  expect(messageOf({ a: flag("a") })).toContain("a → a");
  expect(messageOf({ a: flag("b") })).toContain("not declared");
  expect(messageOf({ a: flag("b", "blue"), b: { type: "boolean", default: true } })).toContain("blue");
});

test.each<[string, unknown, string]>([
  ["an unknown field", { type: "boolean", default: false, defualt: true }, "defualt"],
  ["a default of another type", { type: "integer", default: 1.5 }, "default"],
  ["no default", { type: "string" }, "default"],
  ["no type", { default: true }, "type"],
  ["a variant of another type", { type: "boolean", default: true, variants: { on: true, off: "no" } }, "variants"],
  ["a rollout over 100", { type: "boolean", default: false, rollout: { percent: 101 } }, "rollout"],
  ["a rollout in too small parts", { type: "boolean", default: false, rollout: { percent: 0.0001 } }, "rollout"],
  [
    "a ramp that ends before it starts",
    {
      type: "boolean",
      default: false,
      rollout: { ramp: { start: "2027-01-02T00:00:00Z", end: "2027-01-01T00:00:00Z" } },
    },
    "rollout",
  ],
  ["an unknown kind", { type: "boolean", default: false, kind: "misc" }, "kind"],
])("a definition with %s is refused, and its field named", (_, flag, field) => {
  expect(parseFlagDefinitions({ f: flag }).problems[0]?.path.slice(0, 2)).toEqual(["f", field]);
});

test("both shapes of a manifest mean the same", () => {
  const short = definitionsOf({ a: { type: "string", default: "x", description: "d" } });
  const long = definitionsOf({ a: { flagType: "string", defaultValue: "x", description: "d" } });
  expect(short).toEqual(long);
});
