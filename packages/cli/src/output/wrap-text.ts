import { widthOf } from "./display-width.ts";

/**
 * Text on lines that fit a width, each with an indent, broken between words. Odds such as "200 : 1" stay together.
 * Without a width, as in a pipe, it is one line.
 */
export function wrapText(text: string, columns: number | undefined, indent: string): string {
  if (columns === undefined) return indent + text;
  const lines: string[] = [];
  for (const word of text.split(/(?<! :) (?!: )/)) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(indent + word);
    else if (widthOf(last) + 1 + widthOf(word) > columns) lines.push(indent + word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}
