import { expect, it } from "vitest";
import { withoutOwnName } from "./without-own-name.ts";

it.each([
  ["function t.upper(text)", "t", "function upper(text)"],
  ["[\"CHECK ((a <> t.upper('x'::text)))\"]", "t", "[\"CHECK ((a <> upper('x'::text)))\"]"],
  ['["t.upper(a)"]', "t", '["upper(a)"]'],
  ['["\\"T-a\\".upper(a)"]', "T-a", '["upper(a)"]'],
  ['["FUNCTION f(t.point)\\nAS $$ select t.a $$"]', "t", '["FUNCTION f(point)\\nAS $$ select t.a $$"]'],
  ["select x.t.y, at.b, 't.c', t, t .d", "t", "select x.t.y, at.b, 't.c', t, t .d"],
])("what stands in front of a name is left out: %s", (text, schema, expected) => {
  expect(withoutOwnName(text, schema)).toBe(expected);
});
