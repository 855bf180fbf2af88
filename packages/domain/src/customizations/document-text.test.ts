import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileDocumentSchema } from "./document-schema.ts";
import { readDocumentText } from "./document-text.ts";
import { mergeDocumentText } from "./merge-document-text.ts";
import { documents, MIXED_SCHEMA } from "./testing/arbitrary-documents.ts";
import { writeYaml } from "./write-yaml.ts";

const schema = compileDocumentSchema({
  properties: { steps: { type: "array", "x-aibos-merge-key": "id" } },
});
const YAML = { old: "yaml", new: "yaml" } as const;

function merged(base: string, ours: string, theirs: string, format: "yaml" | "json" = "yaml"): string {
  return mergeDocumentText({ base, ours, theirs, format: { old: format, new: format }, schema }).text;
}

const BASE = `# Settings of invoices
days: 14 # days to pay
steps:
  # The first one
  - id: check
    title: Check
  - id: send
    title: Send
`;

describe("a merged YAML text", () => {
  it("keeps the tenant's comments, and has the vendor's for what is new", () => {
    const ours = BASE.replace("14 # days to pay", "30 # as agreed with Bob").replace(
      "# The first one",
      "# Ann does this",
    );
    const theirs = `${BASE.replace("title: Send", "title: Send it")}  # New in 2.0
  - id: archive # for ten years
    title: Archive
# Who sends
sender: us # our address
`;
    expect(merged(BASE, ours, theirs)).toBe(`# Settings of invoices
days: 30 # as agreed with Bob
steps:
  # Ann does this
  - id: check
    title: Check
  - id: send
    title: Send it
  # New in 2.0
  - id: archive # for ten years
    title: Archive
# Who sends
sender: us # our address
`);
  });

  it("has the vendor's better comment where the tenant left the old one", () => {
    const theirs = BASE.replace("# days to pay", "# days until it is due").replace("# The first one", "# First of all");
    const text = merged(BASE, BASE.replace("title: Send", "title: Post"), theirs);
    expect(text).toBe(theirs.replace("title: Send", "title: Post"));
  });

  it("keeps a comment of the tenant's beside a value that the vendor changed", () => {
    const ours = BASE.replace("# days to pay", "# ask Bob");
    expect(merged(BASE, ours, BASE.replace("days: 14", "days: 21"))).toBe(ours.replace("days: 14", "days: 21"));
  });

  it("is one side's text to the byte where the other did nothing", () => {
    const odd = "{a:    1,\n  'b': [ 1,2 ]}   # odd\n\n\n";
    expect(merged(odd, odd, "a: 1\n")).toBe("a: 1\n");
    expect(merged("a: 1\n", odd, "a: 1\n")).toBe(odd);
  });

  it("is right where anchors name what changes in one place only", () => {
    const base = "one: &x { n: 1 }\ntwo: *x\n";
    const text = merged(base, base, "one: { n: 2 }\ntwo: { n: 1 }\n");
    expect(readDocumentText(text, "yaml").value).toEqual({ one: { n: 2 }, two: { n: 1 } });
    const both = merged(base, "one: &x { n: 1 }\ntwo: *x\nmine: 1\n", "one: { n: 2 }\ntwo: { n: 1 }\n");
    expect(readDocumentText(both, "yaml").value).toEqual({ one: { n: 2 }, two: { n: 1 }, mine: 1 });
  });

  it("says what was merged, whatever the documents", () => {
    const text = (value: Parameters<typeof writeYaml>[0]): string => writeYaml(value, {}, MIXED_SCHEMA.shape);
    fc.assert(
      fc.property(documents, documents, documents, (base, ours, theirs) => {
        const given = { base: text(base), ours: text(ours), theirs: text(theirs), format: YAML, schema: MIXED_SCHEMA };
        const yaml = mergeDocumentText({ ...given, decide: () => ({ take: "vendor" }) });
        const json = mergeDocumentText({
          base: JSON.stringify(base),
          ours: JSON.stringify(ours),
          theirs: JSON.stringify(theirs),
          format: { old: "json", new: "json" },
          schema: MIXED_SCHEMA,
          decide: () => ({ take: "vendor" }),
        });
        expect(readDocumentText(yaml.text, "yaml").value).toEqual(readDocumentText(json.text, "json").value);
      }),
    );
  });

  it("goes from JSON to YAML with its new version", () => {
    const format = { old: "json", new: "yaml" } as const;
    const given = { base: '{"a":1}', ours: '{"a":2}', theirs: "# New\na: 1\nb: 1\n", format, schema };
    expect(mergeDocumentText(given).text).toBe("# New\na: 2\nb: 1\n");
  });
});

it("a merged JSON text has the tenant's indent", () => {
  expect(merged('{"a":1,"b":1}', '{\n    "a": 2,\n    "b": 1\n}\n', '{"a":1,"b":3}', "json")).toBe(
    '{\n    "a": 2,\n    "b": 3\n}\n',
  );
});

describe("a hostile document", () => {
  const bomb = `a: &a [1]\n${Array.from({ length: 12 }, (_, i) => `b${i}: &b${i} [${"*a,".replace("a", i === 0 ? "a" : `b${i - 1}`).repeat(9)}]`).join("\n")}\n`;
  it.each<[string, "json" | "yaml", string, string]>([
    ["a prototype", "json", '{"a":{"__proto__":{"x":1}}}', "forbidden-key"],
    ["a prototype that is spelled in another way", "json", '{"\\u005f_proto__":1}', "forbidden-key"],
    ["a constructor", "json", '{"constructor":{"prototype":{"x":1}}}', "forbidden-key"],
    ["a prototype in YAML", "yaml", "a:\n  __proto__: { x: 1 }\n", "forbidden-key"],
    ["a key that is given twice", "json", '{"a":1,"b":{"a":1},"a":2}', "duplicate-key"],
    ["a key that is given twice in YAML", "yaml", "1: a\n'1': b\n", "duplicate-key"],
    ["a deep one", "json", `${"[".repeat(101)}${"]".repeat(101)}`, "too-deep"],
    ["a very deep one", "json", `${"[".repeat(500_000)}${"]".repeat(500_000)}`, "too-deep"],
    ["a deep one in YAML", "yaml", `${"[".repeat(101)}${"]".repeat(101)}`, "too-deep"],
    ["a very deep one in YAML", "yaml", "[".repeat(100_000), "too-deep"],
    ["one with nested indicators", "yaml", `${"- ".repeat(5000)}a`, "too-deep"],
    [
      "a deep one by its indent",
      "yaml",
      Array.from({ length: 150 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      "too-deep",
    ],
    ["a huge one", "json", `"${"x".repeat(3 * 1024 * 1024)}"`, "too-large"],
    ["one with very many values", "json", `[${"1,".repeat(250_000)}1]`, "too-many-values"],
    ["a circle", "yaml", "a: &x { b: [*x] }\n", "cycle"],
    ["a billion laughs", "yaml", bomb, "alias-bomb"],
    ["an alias of nothing", "yaml", "a: *x\n", "syntax"],
    ["two documents", "yaml", "a: 1\n---\nb: 1\n", "several-documents"],
    ["a number that JSON has not", "yaml", "a: .inf\n", "not-json"],
    ["a map as a key", "yaml", "? { a: 1 }\n: 1\n", "not-json"],
    ["a tag of its own", "yaml", "a: !!js/function 'x'\n", "syntax"],
    ["nothing", "yaml", "", "syntax"],
    ["a NUL", "json", '{"a":"\\u0000"}', "not-text"],
    ["half of a surrogate pair", "json", '{"a":"\\ud800"}', "not-text"],
    ["a NUL in YAML", "yaml", 'a: "\\0"', "not-text"],
    ["half of one", "json", '{"a":', "syntax"],
  ])("with %s is refused", (_, format, text, reason) => {
    expect(() => readDocumentText(text, format)).toThrow(
      expect.objectContaining({ code: "AIBOS_DOCUMENT_REFUSED", reason }),
    );
  });

  it("is told from one that only looks like it", () => {
    const text = 'a: "[[[[{{{{"\nb: &x { n: 1 }\nc: [*x, *x]\n# {{{{\n';
    expect(readDocumentText(text, "yaml").value).toEqual({ a: "[[[[{{{{", b: { n: 1 }, c: [{ n: 1 }, { n: 1 }] });
    expect(readDocumentText('{"a":"{\\"b\\":[","b":{"a":[1,{"a":2}]}}', "json").value).toEqual({
      a: '{"b":[',
      b: { a: [1, { a: 2 }] },
    });
  });
});
