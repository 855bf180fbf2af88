import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "./conflict.ts";
import { mergeText } from "./merge-text.ts";

const lines = (...each: string[]): string => each.map((line) => `${line}\n`).join("");
const texts = fc
  .array(fc.constantFrom("a\n", "b\n", "\n", "c\r\n"), { maxLength: 8 })
  .chain((all) => fc.constantFrom("", "end").map((end) => all.join("") + end));

describe("merging a text by lines", () => {
  it("takes what one side changed, and what both changed alike", () => {
    fc.assert(
      fc.property(texts, texts, (base, changed) => {
        expect(mergeText({ base, ours: base, theirs: base })).toEqual({ text: base, conflicts: [], report: [] });
        for (const [ours, theirs] of [
          [base, changed],
          [changed, base],
          [changed, changed],
        ] as const) {
          expect(mergeText({ base, ours, theirs })).toMatchObject({ text: changed, conflicts: [] });
        }
      }),
    );
  });

  it("finds the same conflicts whoever is asked first, and is the side's text that is taken", () => {
    fc.assert(
      fc.property(texts, texts, texts, (base, ours, theirs) => {
        const paths = (merged: ReturnType<typeof mergeText>): unknown => merged.conflicts.map(({ path }) => path);
        expect(paths(mergeText({ base, ours, theirs }))).toEqual(
          paths(mergeText({ base, ours: theirs, theirs: ours })),
        );
        const tenant = mergeText({ base, ours, theirs, decide: () => ({ take: "tenant" }) });
        const mirrored = mergeText({ base, ours: theirs, theirs: ours, decide: () => ({ take: "vendor" }) });
        expect([tenant.conflicts, tenant.text]).toEqual([[], mirrored.text]);
      }),
    );
  });

  it("merges changes in different places", () => {
    const base = lines("Dear customer,", "", "please pay.", "", "Bye");
    const ours = lines("Dear customer,", "", "please pay.", "", "Cheers, Ann");
    const theirs = lines("Hello {{name}},", "", "please pay.", "", "Bye");
    expect(mergeText({ base, ours, theirs }).text).toBe(lines("Hello {{name}},", "", "please pay.", "", "Cheers, Ann"));
  });

  it("says which lines of the old default a conflict is about", () => {
    const base = lines("one", "two", "three");
    const conflicts = (ours: string, theirs: string): unknown => mergeText({ base, ours, theirs }).conflicts;
    expect(conflicts(lines("one", "2", "three"), lines("one", "II", "three"))).toEqual([
      { kind: "text", path: ["line 2"], base: "two\n", ours: "2\n", theirs: "II\n" },
    ]);
    expect(conflicts(lines("one", "two", "three", "4"), lines("one", "two", "three", "IV"))).toMatchObject([
      { path: ["after line 3"], base: "" },
    ]);
    expect(conflicts("", lines("1", "2", "three"))).toMatchObject([{ path: ["lines 1-3"], ours: "" }]);
  });

  it("ends lines that are merged by hand", () => {
    const decide = (): Decision => ({ take: "value", value: "both" });
    const given = { base: lines("x", "end"), ours: lines("y", "end"), theirs: lines("z", "end"), decide };
    expect(mergeText(given).text).toBe(lines("both", "end"));
  });

  it("keeps line ends as they are", () => {
    expect(mergeText({ base: "a\r\nb\r\n", ours: "a\r\nB\r\n", theirs: "x\na\r\nb\r\n" }).text).toBe("x\na\r\nB\r\n");
  });

  it("does not try to pair lines of texts that have nothing in common", () => {
    const numbered = (word: string): string => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}\n`).join("");
    const merged = mergeText({ base: numbered("a"), ours: numbered("b"), theirs: numbered("c") });
    expect(merged.conflicts).toHaveLength(1);
    const blank = "\n".repeat(50_000);
    expect(mergeText({ base: blank, ours: `${blank}x\n`, theirs: `y\n${blank}` }).text).toBe(`y\n${blank}x\n`);
  });

  it("refuses what is no text", () => {
    expect(() => mergeText({ base: "a", ours: "a\0", theirs: "b" })).toThrow("NUL");
  });
});
