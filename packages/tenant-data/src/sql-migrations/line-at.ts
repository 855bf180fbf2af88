/**
 * The line, from 1, that a position (from 0) in a text is on. Leading blank lines and comments before the position's
 * statement do not count: the line of its first word is meant.
 */
export function lineAt(text: string, position: number, unit: "bytes" | "characters"): number {
  const before =
    unit === "bytes" ? Buffer.from(text, "utf8").subarray(0, position).toString("utf8") : text.slice(0, position);
  const rest = text.slice(before.length);
  const skipped = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(rest)?.[0] ?? "";
  const reached = unit === "bytes" ? before + skipped : before;
  return reached.split("\n").length;
}
