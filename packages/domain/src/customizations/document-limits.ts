import { quoteForMessage } from "../quote-for-message.ts";
import { DocumentRefusedError } from "./document-refused-error.ts";

/** What a document may be at most. A MiB of settings is a lot of settings. */
export const DOCUMENT_LIMITS = {
  /** UTF-16 units of text. */
  size: 2 * 1024 * 1024,
  /** Maps and lists in each other. */
  depth: 100,
  /** Maps, lists and scalars, after aliases are replaced by what they stand for. */
  values: 200_000,
  /** `*alias` in the text. */
  aliases: 100,
} as const;

/** Keys that some code, somewhere, takes for what all objects have. */
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

export function refuseKey(key: string): void {
  if (FORBIDDEN_KEYS.has(key)) {
    throw new DocumentRefusedError("forbidden-key", `the key ${quoteForMessage(key)} can't be used`);
  }
}

export function refuseSecondKey(key: string): never {
  throw new DocumentRefusedError("duplicate-key", `the key ${quoteForMessage(key)} is given twice in one map`);
}

export function tooDeep(cause?: unknown): DocumentRefusedError {
  return new DocumentRefusedError("too-deep", `it is nested more than ${DOCUMENT_LIMITS.depth} levels deep`, { cause });
}

export function refuseSize(text: string): void {
  refuseString(text);
  if (text.length > DOCUMENT_LIMITS.size) {
    throw new DocumentRefusedError("too-large", `it is longer than ${DOCUMENT_LIMITS.size} characters`);
  }
}

/** A database's JSON can hold neither. */
export function refuseString(text: string): string {
  if (text.includes("\0") || !text.isWellFormed()) {
    throw new DocumentRefusedError("not-text", "it has a NUL character or half of a surrogate pair");
  }
  return text;
}

/** Counts values; the one past the limit is refused. */
export function createValueCount(): () => void {
  let values = 0;
  return () => {
    values += 1;
    if (values > DOCUMENT_LIMITS.values) {
      throw new DocumentRefusedError("too-many-values", `it has more than ${DOCUMENT_LIMITS.values} values`);
    }
  };
}
