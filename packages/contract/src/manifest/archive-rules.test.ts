import { expect, test } from "vitest";
import { archivePathProblem, ArchivePaths } from "./archive-rules.ts";

test.each(["aibos.module.yaml", "migrations/001_a.up.sql", "a b/ü/…", ".env", "..a/b..", "ab:c"])(
  "%s is a path that archives may hold",
  (path) => {
    expect(archivePathProblem(path)).toBeUndefined();
  },
);

test.each([
  ["", /no name/],
  ["/etc/passwd", /absolute/],
  ["C:/a", /absolute/],
  ["../a", /leaves/],
  ["a/../../b", /leaves/],
  ["./a", /plainly/],
  ["a//b", /plainly/],
  ["a/", /plainly/],
  ["a\\b", /backslash/],
  ["a\nb", /control character/],
  ["a\u0000", /control character/],
  ["a\u0085", /control character/],
  ["a\ufffd", /UTF-8/],
  ["\ud800", /UTF-8/],
  ["ä".repeat(200), /name of more than 255 bytes/],
  ["abc/".repeat(300) + "a", /path of more than 1024 bytes/],
])("%j is refused", (path, problem) => {
  expect(archivePathProblem(path)).toMatch(problem);
});

test.each([
  [["a", "a"], /twice/],
  [["README", "readme"], /only in case/],
  [["\u00e9", "e\u0301"], /only in case or accents/],
  [["Lib/a", "lib/b"], /only in case/],
  [["a", "a/b"], /which is a file/],
  [["a/b", "a"], /is a folder/],
  [["A", "a/b"], /which is a file/],
])("%j can't be side by side", (paths, problem) => {
  const seen = new ArchivePaths();
  expect(paths.map((path) => seen.add(path)).at(-1)).toMatch(problem);
});

test("files of the same name in different folders are apart", () => {
  const seen = new ArchivePaths();
  expect(["a/x", "b/x", "a/y", "ab"].map((path) => seen.add(path))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
