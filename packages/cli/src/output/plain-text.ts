/**
 * Text from elsewhere (titles, errors, logs) made harmless for a terminal: what could move the cursor, change colours or
 * turn the reading direction is shown as an escape instead. Line ends are kept; use {@link oneLine} in tables.
 */
export function plainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(HARMFUL, escape);
}

/** The same on one line. */
export function oneLine(text: string): string {
  return plainText(text.replace(/\s*[\r\n]+\s*/g, " ")).trim();
}

/** JSON for a terminal or a pipe: the harmful characters that JSON leaves as they are become `\u` escapes. */
export function plainJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(HARMFUL, (character) => `\\u${hex(character).padStart(4, "0")}`);
}

// C0 but line ends, DEL, C1; line and paragraph separators; embeddings, overrides and isolates of direction.
const HARMFUL = /(?!\n)[\p{Cc}\u{2028}\u{2029}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{feff}]/gu;

function escape(character: string): string {
  return character === "\t" ? "  " : `\\u{${hex(character)}}`;
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
