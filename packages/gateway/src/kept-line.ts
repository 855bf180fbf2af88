import { crc32 } from "node:zlib";

/** A line of a file whose lines tell of each other: a lost, changed or misplaced one is found. */
export interface KeptLine {
  readonly line: string;
  /** What the next line is chained to. */
  readonly sum: number;
}

const SUM_DIGITS = 8;

/** Text as a line: the CRC-32 of it and of all lines before it, in hexadecimal digits, a space, and the text. */
export function keptLine(text: string, before: number): KeptLine {
  const sum = crc32(text, before);
  return { line: `${sum.toString(16).padStart(SUM_DIGITS, "0")} ${text}\n`, sum };
}

/** @throws RangeError when the line is damaged, or does not follow on those before */
export function readKeptLine(line: string, before: number): { readonly text: string; readonly sum: number } {
  const text = line.slice(SUM_DIGITS + 1);
  const sum = crc32(text, before);
  if (line.slice(0, SUM_DIGITS + 1) !== `${sum.toString(16).padStart(SUM_DIGITS, "0")} `) {
    throw new RangeError("its checksum is wrong");
  }
  return { text, sum };
}
