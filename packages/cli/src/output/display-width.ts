import stringWidth from "string-width";

/** Columns that a text takes in a terminal. Colour codes take none. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Fills up with blanks to a width. */
export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** Cuts an uncoloured text to a width, with "…" where something is missing. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let used = 1;
  for (const { segment } of segmenter.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    cut += segment;
  }
  return width < 1 ? "" : `${cut}…`;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
