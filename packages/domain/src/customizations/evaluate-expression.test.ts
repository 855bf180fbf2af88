import { expect, it } from "vitest";
import { compileExpression } from "./evaluate-expression.ts";

const FACTS = { tenant: "acme", module: "shop", version: "1.0.0", payload: { total: 1200, lines: [1, 2] }, now: 0 };

it.each<[unknown, unknown]>([
  [{ if: [{ ">": [{ var: "total" }, 1000] }, "by transfer", "by card"] }, "by transfer"],
  [{ cat: [{ var: "tenant.id" }, "@", { var: "version" }] }, "acme@1.0.0"],
  [{ map: [{ var: "lines" }, { "*": [{ var: "" }, 2] }] }, [2, 4]],
  [{ var: "nothing.there" }, null],
  [{ var: "constructor" }, null],
  ["always this", "always this"],
])("%j gives %j", (logic, result) => {
  expect(compileExpression(logic)(FACTS)).toEqual({ result });
});

it("that fails, or gives too much, is told and never thrown", () => {
  expect(compileExpression({ "+": ["a", 1] })(FACTS)).toEqual({ failure: "a number was expected" });
  const long = { var: "text" };
  const much = { ...FACTS, payload: { text: "x".repeat(70_000) } };
  expect(compileExpression(long)(much)).toHaveProperty("failure");
});

it("that is no expression can't be compiled, and reaches nothing of the program", () => {
  for (const [logic, why] of [
    [{ require: "fs" }, "is no operation"],
    [{ a: 1, b: 2 }, "must have one operation"],
    [{ var: "../x" }, "can't escape or climb"],
    [JSON.parse('{"__proto__":[1]}'), "is not a name that can be used"],
  ] as const) {
    expect(() => compileExpression(logic)).toThrow(why);
  }
});
