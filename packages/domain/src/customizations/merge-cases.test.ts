import { describe, expect, it } from "vitest";
import type { Decision } from "./conflict.ts";
import { formatPath, parsePath } from "./document-path.ts";
import { compileDocumentSchema } from "./document-schema.ts";
import type { JsonValue } from "./json-value.ts";
import { mergeDocument, type MergedDocument } from "./merge-document.ts";
import { type Rename, renameProblem } from "./rename-paths.ts";

const STEPS = { type: "array", "x-aibos-merge-key": "id", items: { type: "object" } } as const;
const SCHEMA = {
  type: "object",
  properties: {
    steps: { ...STEPS, items: { properties: { fields: { type: "array", "x-aibos-merge-key": ["name", "lang"] } } } },
    more: STEPS,
    tags: { type: "array", "x-aibos-merge": "set" },
    point: { type: "object", "x-aibos-merge": "atomic" },
    days: { type: "integer", maximum: 60 },
    limit: { type: "integer" },
  },
} as const satisfies JsonValue;

function merge(
  base: JsonValue,
  ours: JsonValue,
  theirs: JsonValue,
  more: { renames?: Rename[]; take?: Decision; schema?: JsonValue } = {},
): MergedDocument {
  const decide = (): Decision | undefined => more.take;
  const schema = compileDocumentSchema(more.schema ?? SCHEMA);
  return mergeDocument({ base, ours, theirs, schema, decide, renames: more.renames ?? [] });
}

const a = { id: "a", n: 1 };
const b = { id: "b", n: 1 };
const c = { id: "c", n: 1 };

describe("changes that go together", () => {
  it.each<[string, JsonValue, JsonValue, JsonValue, JsonValue]>([
    ["two keys of a map", { x: 1, y: 1 }, { x: 2, y: 1 }, { x: 1, y: 2 }, { x: 2, y: 2 }],
    [
      "keys deep in maps",
      { m: { n: { p: 1 } } },
      { m: { n: { p: 2 } } },
      { m: { n: { p: 1, q: 1 } } },
      { m: { n: { p: 2, q: 1 } } },
    ],
    ["a key that each adds", {}, { x: 1 }, { y: 1 }, { x: 1, y: 1 }],
    ["maps that both add", {}, { m: { x: 1 } }, { m: { y: 1 } }, { m: { x: 1, y: 1 } }],
    ["a removal and another change", { x: 1, y: 1 }, { y: 1 }, { x: 1, y: 2 }, { y: 2 }],
    ["a removal by both", { x: 1, y: 1 }, { y: 1 }, { y: 1 }, { y: 1 }],
    ["the same change of type", { x: 1 }, { x: "1" }, { x: "1" }, { x: "1" }],
    ["a list that one changed", { l: [1, 2] }, { l: [1] }, { l: [1, 2], k: 1 }, { l: [1], k: 1 }],
    [
      "two items of a keyed list",
      { steps: [a, b] },
      { steps: [{ ...a, n: 2 }, b] },
      { steps: [a, { ...b, n: 3 }] },
      {
        steps: [
          { ...a, n: 2 },
          { ...b, n: 3 },
        ],
      },
    ],
    [
      "an item that each adds, after the one that it followed",
      { steps: [a, b] },
      { steps: [a, c, b] },
      { steps: [a, b, { id: "d" }] },
      { steps: [a, c, b, { id: "d" }] },
    ],
    ["an item removed and one added", { steps: [a, b] }, { steps: [b] }, { steps: [a, b, c] }, { steps: [b, c] }],
    [
      "another order and an added item",
      { steps: [a, b] },
      { steps: [b, a] },
      { steps: [a, c, b] },
      { steps: [b, a, c] },
    ],
    [
      "another order of the vendor's and an edit",
      { steps: [a, b] },
      { steps: [{ ...a, n: 2 }, b] },
      { steps: [b, a] },
      { steps: [b, { ...a, n: 2 }] },
    ],
    [
      "nested keyed lists",
      { steps: [{ id: "a", fields: [{ name: "x", lang: "de" }] }] },
      { steps: [{ id: "a", fields: [{ name: "x", lang: "de", w: 1 }] }] },
      {
        steps: [
          {
            id: "a",
            fields: [
              { name: "x", lang: "de" },
              { name: "x", lang: "en" },
            ],
          },
        ],
      },
      {
        steps: [
          {
            id: "a",
            fields: [
              { name: "x", lang: "de", w: 1 },
              { name: "x", lang: "en" },
            ],
          },
        ],
      },
    ],
    [
      "items of a set",
      { tags: ["r", "g"] },
      { tags: ["g", "b"] },
      { tags: ["r", "g", "w"] },
      { tags: ["g", "b", "w"] },
    ],
    [
      "keys with slashes, tildes and brackets",
      { "a/b": 1, "~": 1, "[x]": 1 },
      { "a/b": 2, "~": 1, "[x]": 2 },
      { "a/b": 1, "~": 2, "[x]": 1 },
      { "a/b": 2, "~": 2, "[x]": 2 },
    ],
  ])("%s", (_, base, ours, theirs, expected) => {
    const { value, conflicts } = merge(base, ours, theirs);
    expect([conflicts, value]).toEqual([[], expected]);
  });
});

describe("changes that do not", () => {
  it.each<[string, string, string, JsonValue, JsonValue, JsonValue]>([
    ["different values", "change", "/x", { x: 1 }, { x: 2 }, { x: 3 }],
    ["different additions", "addition", "/x", {}, { x: 2 }, { x: 3 }],
    ["a removal and an edit", "removal", "/x", { x: 1 }, {}, { x: 3 }],
    ["a removal and an edit inside", "removal", "/m", { m: { x: 1 } }, { m: { x: 2 } }, {}],
    ["another type and an edit", "type", "/x", { x: 1 }, { x: "1" }, { x: 2 }],
    ["a map made a value and an edit inside", "type", "/m", { m: { x: 1 } }, { m: { x: 2 } }, { m: 1 }],
    ["an atomic list", "change", "/l", { l: [1] }, { l: [1, 2] }, { l: [1, 3] }],
    [
      "an atomic map",
      "change",
      "/point",
      { point: { x: 1, y: 1 } },
      { point: { x: 2, y: 1 } },
      { point: { x: 1, y: 2 } },
    ],
    [
      "the same field of an item",
      "change",
      "/steps/[id=a]/n",
      { steps: [a] },
      { steps: [{ id: "a", n: 2 }] },
      { steps: [{ id: "a", n: 3 }] },
    ],
    [
      "an item removed and edited",
      "removal",
      "/steps/[id=a]",
      { steps: [a, b] },
      { steps: [b] },
      { steps: [{ ...a, n: 3 }, b] },
    ],
    ["two new orders", "order", "/steps", { steps: [a, b, c] }, { steps: [b, a, c] }, { steps: [a, c, b] }],
    ["items without their key", "change", "/steps", { steps: [a] }, { steps: [a, { n: 1 }] }, { steps: [a, b] }],
    ["two items with the same key", "change", "/steps", { steps: [a] }, { steps: [a, a] }, { steps: [a, b] }],
    [
      "a number and its text as keys",
      "addition",
      '/more/[id="1"]/n',
      {},
      {
        more: [
          { id: "1", n: 1 },
          { id: 1, n: 1 },
        ],
      },
      {
        more: [
          { id: "1", n: 2 },
          { id: 1, n: 1 },
        ],
      },
    ],
  ])("%s", (_, kind, path, base, ours, theirs) => {
    const { value, conflicts } = merge(base, ours, theirs);
    expect(conflicts.map((one) => [one.kind, formatPath(one.path)])).toEqual([[kind, path]]);
    expect(value).toEqual(ours);
    expect(parsePath(path)).toEqual(conflicts[0]?.path);
    expect(merge(base, ours, theirs, { take: { take: "vendor" } }).value).toEqual(theirs);
  });

  it("puts an item that the vendor keeps back where it belongs", () => {
    const theirs = { steps: [a, { ...b, n: 2 }, c] };
    expect(merge({ steps: [a, b, c] }, { steps: [a, c] }, theirs, { take: { take: "vendor" } }).value).toEqual(theirs);
  });

  it("takes a value by hand", () => {
    const by = merge({ x: 1 }, { x: 2 }, { x: 3 }, { take: { take: "value", value: 4, by: "ann" } });
    expect([by.value, by.report]).toEqual([
      { x: 4 },
      [{ outcome: "resolved", path: ["x"], detail: "change: merged by hand, ann" }],
    ]);
  });
});

describe("what was moved", () => {
  const base = { mail: { footer: { text: "Bye", size: 1 } }, page: {} };
  const edited = { mail: { footer: { text: "Cheers", size: 1 } }, page: {} };
  const moved = { mail: {}, page: { footer: { text: "Bye", size: 1 } } };

  it("by the vendor, and edited by the tenant, is a conflict that knows where it went", () => {
    const { conflicts } = merge(base, edited, moved);
    expect(conflicts).toMatchObject([{ kind: "move", path: ["mail", "footer"], movedTo: ["page", "footer"] }]);
    const kept = merge(base, edited, moved, { take: { take: "tenant" } });
    expect([kept.conflicts, kept.value]).toEqual([[], { mail: {}, page: { footer: { text: "Cheers", size: 1 } } }]);
    expect(merge(base, edited, moved, { take: { take: "vendor" } }).value).toEqual(moved);
  });

  it("by the tenant, and edited by the vendor", () => {
    expect(merge(base, moved, edited).conflicts).toMatchObject([{ kind: "move", movedTo: ["page", "footer"] }]);
    expect(merge(base, moved, edited, { take: { take: "tenant" } }).value).toEqual(moved);
    expect(merge(base, moved, edited, { take: { take: "vendor" } }).value).toEqual(edited);
  });

  it("from one list to another", () => {
    const [from, to] = [
      { steps: [a, b], more: [] },
      { steps: [b], more: [a] },
    ];
    expect(merge(from, { steps: [{ ...a, n: 2 }, b], more: [] }, to).conflicts).toMatchObject([
      { kind: "move", path: ["steps", "[id=a]"], movedTo: ["more", "[id=a]"] },
    ]);
  });
});

describe("what was renamed", () => {
  const rename = (from: string, to: string): Rename => ({ from: parsePath(from) ?? [], to: parsePath(to) ?? [] });

  it("takes the tenant's edit along", () => {
    const renames = [rename("/mail/sender", "/outgoing/from"), rename("/steps/*/label", "/steps/*/title")];
    const { value, conflicts, report } = merge(
      { mail: { sender: "x", k: 1 }, steps: [{ id: "a", label: "A" }] },
      { mail: { sender: "me", k: 1 }, steps: [{ id: "a", label: "Mine" }] },
      { mail: { k: 2 }, outgoing: { from: "x" }, steps: [{ id: "a", title: "A" }] },
      { renames },
    );
    expect([conflicts, value]).toEqual([
      [],
      { mail: { k: 2 }, outgoing: { from: "me" }, steps: [{ id: "a", title: "Mine" }] },
    ]);
    expect(report.filter(({ outcome }) => outcome === "renamed").map(({ path }) => formatPath(path))).toEqual([
      "/outgoing/from",
      "/steps/[id=a]/title",
    ]);
  });

  it("is a conflict where the tenant has something else at the new place", () => {
    const { conflicts, value } = merge(
      { old: 1 },
      { old: 2, new: 9 },
      { new: 1 },
      { renames: [rename("/old", "/new")] },
    );
    expect(conflicts).toMatchObject([
      { kind: "removal", path: ["old"], ours: 2 },
      { kind: "rename", path: ["new"], ours: 9, detail: "takes the place of /old" },
    ]);
    expect(value).toEqual({ old: 2, new: 9 });
  });

  it.each([
    ["", "/a", "whole document"],
    ["/a/*", "/b", "as many stars"],
    ["/a", "/a/b", "inside the other"],
  ])("%s to %s can't be", (from, to, problem) => {
    expect(renameProblem(rename(from, to))).toContain(problem);
  });
});

describe("a merged document that is not valid", () => {
  const schema: JsonValue = {
    type: "object",
    properties: { days: { type: "integer", maximum: 60 }, mode: { enum: ["a", "b"] } },
    required: ["mode"],
    additionalProperties: false,
  };
  it.each<[string, JsonValue, JsonValue, JsonValue, string, string]>([
    [
      "too large for the new version",
      { days: 1, mode: "a" },
      { days: 90, mode: "a" },
      { days: 1, mode: "b" },
      "/days",
      "must be <= 60",
    ],
    [
      "not known any more",
      { x: 1, mode: "a" },
      { x: 1, y: 1, mode: "a" },
      { mode: "a" },
      "/y",
      "is not a known property",
    ],
    ["removed and needed", { mode: "a" }, {}, { mode: "a" }, "/mode", "must have required property"],
  ])("%s", (_, base, ours, theirs, path, detail) => {
    const { conflicts } = merge(base, ours, theirs, { schema });
    expect(conflicts).toMatchObject([{ kind: "schema", path: parsePath(path) }]);
    expect(conflicts[0]?.detail).toContain(detail);
    expect(merge(base, ours, theirs, { schema, take: { take: "tenant" } }).conflicts).toHaveLength(1);
    const settled = merge(base, ours, theirs, { schema, take: { take: "vendor" } });
    expect(settled.conflicts).toEqual([]);
  });
});

it("refuses a schema that can't be used, and follows references in one that can", () => {
  expect(() => compileDocumentSchema({ type: "no such type" })).toThrow("can't be used");
  expect(() => compileDocumentSchema({ $ref: "https://example.com/other.json" })).toThrow("can't be used");
  const recursive = {
    $defs: {
      t: { allOf: [{ $ref: "#/$defs/l" }] },
      l: { ...STEPS, items: { properties: { inner: { $ref: "#/$defs/t" } } } },
    },
    properties: { l: { $ref: "#/$defs/l" } },
  };
  const deep = (n: number): JsonValue => ({ l: [{ id: "a", inner: [{ id: "b", inner: [{ id: "c", n, m: 1 }] }] }] });
  const theirs = { l: [{ id: "a", inner: [{ id: "b", inner: [{ id: "c", n: 1, m: 2 }] }] }] };
  expect(merge(deep(1), deep(2), theirs, { schema: recursive }).value).toEqual({
    l: [{ id: "a", inner: [{ id: "b", inner: [{ id: "c", n: 2, m: 2 }] }] }],
  });
});
