import { expect, test } from "vitest";
import { carrySetting, convertValue } from "./carry-setting.ts";
import { breakingFlagChanges } from "./compare-definitions.ts";
import type { FlagDefinition } from "./flag-definition.ts";
import { staleReasons } from "./stale-flags.ts";
import { definitionsOf } from "./testing/definitions-of.ts";

const OLD = definitionsOf({
  kept: { type: "boolean", default: false },
  old_name: { type: "boolean", default: false },
  size: { type: "integer", default: 1 },
  theme: { type: "string", default: "light", variants: { light: "light", dark: "dark" } },
  gone: { type: "boolean", default: false },
});
const NEW = definitionsOf({
  kept: { type: "boolean", default: true },
  new_name: { type: "boolean", default: false, renamedFrom: "old_name" },
  size: { type: "string", default: "1" },
  theme: { type: "string", default: "light", variants: { light: "light", night: "dark" } },
});

const flag = (key: string): FlagDefinition => {
  const found = OLD.find((definition) => definition.key === key);
  if (found === undefined) throw new Error(key);
  return found;
};
const carry = (key: string, setting: object) => carrySetting(flag(key), setting, { to: NEW, valueProblem: () => null });

test("an override is kept, renamed, converted, or told as a conflict", () => {
  expect(carry("kept", { value: true })).toEqual({ flag: "kept", setting: { value: true }, how: "kept" });
  expect(carry("old_name", { value: true })).toEqual({ flag: "new_name", setting: { value: true }, how: "renamed" });
  expect(carry("size", { value: 5 })).toEqual({ flag: "size", setting: { value: "5" }, how: "converted" });
  expect(carry("theme", { variant: "dark" })).toEqual({ flag: "theme", setting: { value: "dark" }, how: "converted" });
  expect(carry("gone", { value: true })).toEqual({ conflict: expect.stringContaining("gone") });
  expect(carry("theme", { rollout: { variant: "dark", by: "user", percent: 5 } })).toHaveProperty("conflict");
});

test("an override is found again under a name that releases on the way gave it", () => {
  const between = [definitionsOf({ middle: { type: "boolean", default: false, renamedFrom: "gone" } }), []];
  const to = definitionsOf({ last: { type: "string", default: "", renamedFrom: "middle" } });
  const along = (releases: typeof between) =>
    carrySetting(flag("gone"), { value: true }, { to, between: releases, valueProblem: () => null });
  expect(along(between)).toEqual({ flag: "last", setting: { value: "true" }, how: "converted" });
  expect(along([])).toHaveProperty("conflict");
});

test("a value is converted where it means the same, and never otherwise", () => {
  expect(["true", "yes", 1].map((value) => convertValue(value, "boolean"))).toEqual([true, undefined, undefined]);
  expect(["1", "1.5", "007", "x"].map((value) => convertValue(value, "integer"))).toEqual([
    1,
    undefined,
    undefined,
    undefined,
  ]);
  expect(convertValue(2.5, "integer")).toBeUndefined();
});

test("removing and retyping a flag breaks who uses it; renaming does not", () => {
  expect(breakingFlagChanges(OLD, NEW).map(({ flag: key, kind }) => `${key} ${kind}`)).toEqual([
    "size retyped",
    "gone removed",
  ]);
});

test("a flag is stale by its age and kind, by nobody asking, by having won, by overrides that say nothing", () => {
  const day = 86_400_000;
  const life = {
    definition: flag("kept"),
    since: 0,
    lastEvaluated: 1,
    fullyRolledOutSince: null,
    redundantOverrides: 0,
  };
  const reasons = (more: object, now: number): string[] =>
    staleReasons({ ...life, ...more }, now).map(({ reason }) => reason);
  expect(reasons({}, 10 * day)).toEqual([]);
  expect(reasons({}, 60 * day)).toEqual(["too-old"]);
  expect(reasons({ lastEvaluated: null, definition: { ...flag("kept"), kind: "permission" } }, 60 * day)).toEqual([
    "never-evaluated",
  ]);
  expect(reasons({ fullyRolledOutSince: 0, redundantOverrides: 2 }, 20 * day)).toEqual([
    "fully-rolled-out",
    "redundant-overrides",
  ]);
});
