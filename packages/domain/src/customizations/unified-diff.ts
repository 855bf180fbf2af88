import { createTwoFilesPatch } from "diff";

/** What changed between two texts, as `diff -u` shows it, without the line of `=`; empty when nothing did. */
export function unifiedDiff(from: string, to: string, names: { readonly from: string; readonly to: string }): string {
  if (from === to) return "";
  return createTwoFilesPatch(names.from, names.to, from, to, undefined, undefined, { context: 3 }).replace(/^=+\n/, "");
}
