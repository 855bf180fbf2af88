import type { JsonValue } from "./json-value.ts";

/**
 * A place in a document, as text: `/invoice/due days`, `/steps/[id=approve]/title`.
 *
 * A JSON Pointer (RFC 6901: `~0` is `~`, `~1` is `/`), in which an item of a keyed list or a set is named by its key,
 * not by its number, which an upgrade may change. A map's key that begins with `[` is written with `~2`.
 */
export type DocumentPath = readonly string[];

export function formatPath(path: DocumentPath): string {
  return path.map((segment) => `/${segment}`).join("");
}

/** Takes "" for the whole document. Undefined for a text that is no path. */
export function parsePath(text: string): DocumentPath | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![012])/.test(text)) return undefined;
  return text.slice(1).split("/");
}

/** A map's key as one segment of a path. */
export function keySegment(key: string): string {
  const escaped = /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
  return escaped.startsWith("[") ? `~2${escaped.slice(1)}` : escaped;
}

/** The key that a segment stands for. */
export function segmentKey(segment: string): string {
  if (!segment.includes("~")) return segment;
  return segment.replace(/~[012]/g, (found) => ({ "~0": "~", "~1": "/" })[found] ?? "[");
}

/** Texts that need no quotes to be told from numbers, words and other parts of a key. */
const PLAIN = /^[\p{L}_][\p{L}\p{N}_. -]*$/u;
const WORDS = new Set(["true", "false", "null"]);

/** An item of a list by its key fields, or of a set by itself (without names). */
export function itemSegment(names: readonly string[], values: readonly JsonValue[]): string {
  const texts = values.map((value) => {
    const plain = typeof value === "string" && PLAIN.test(value) && !WORDS.has(value);
    return plain ? value : JSON.stringify(value).replaceAll("~", "~0").replaceAll("/", "~1");
  });
  if (names.length === 0) return `[${texts.join(",")}]`;
  return `[${names.map((name, index) => `${keySegment(name)}=${texts[index] ?? ""}`).join(",")}]`;
}
