import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments } from "yaml";
import {
  createValueCount,
  DOCUMENT_LIMITS,
  refuseKey,
  refuseSecondKey,
  refuseSize,
  refuseString,
  tooDeep,
} from "./document-limits.ts";
import { DocumentRefusedError } from "./document-refused-error.ts";
import type { JsonValue } from "./json-value.ts";

export interface YamlText {
  readonly document: Document;
  readonly value: JsonValue;
}

/** The library reports an exhausted stack as an error in the text. */
const STACK_EXHAUSTED = /call stack|Stack overflow/;
/** Indicators in a row nest collections; the library takes seconds for thousands of them. */
const NESTED_INDICATORS = /^[ \t]*(?:[-?:][ \t]+){50}/m;
const OPTIONS = { prettyErrors: false, uniqueKeys: false, version: "1.2", schema: "core" } as const;

/**
 * Reads YAML 1.2 from outside: one document that could be JSON, with comments. Aliases stand for what they name; a
 * circle of them, or so many that a small text becomes a huge value, is refused.
 *
 * @throws DocumentRefusedError
 */
export function readYaml(text: string): YamlText {
  refuseSize(text);
  if (NESTED_INDICATORS.test(text) || nestsTooDeep(text)) throw tooDeep();
  try {
    const document = parse(text);
    return { document, value: createReader(document)(document.contents, 0) };
  } catch (error) {
    throw error instanceof RangeError ? tooDeep(error) : error;
  }
}

function parse(text: string): Document.Parsed {
  const parsed = parseAllDocuments(text, OPTIONS);
  const [document, second] = "empty" in parsed ? [] : parsed;
  if (document === undefined) throw new DocumentRefusedError("syntax", "it is empty");
  if (second !== undefined) throw new DocumentRefusedError("several-documents", "it is more than one YAML document");
  const [problem] = [...document.errors, ...document.warnings];
  if (problem === undefined) return document;
  if (STACK_EXHAUSTED.test(problem.message)) throw tooDeep(problem);
  throw new DocumentRefusedError("syntax", problem.message, { cause: problem });
}

/** Brackets alone, wherever they are: a text with so many that do not close is no settings either way. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === "[" || bracket === "{" ? depth + 1 : Math.max(0, depth - 1);
    if (depth > DOCUMENT_LIMITS.depth * 10) return true;
  }
  return false;
}

type Reader = (node: unknown, depth: number) => JsonValue;

function createReader(document: Document): Reader {
  const count = createValueCount();
  const within = new Set<Node>();
  let aliases = 0;
  const read: Reader = (node, depth) => {
    count();
    if (isAlias(node)) {
      aliases += 1;
      const target = node.resolve(document);
      if (target === undefined) throw new DocumentRefusedError("syntax", `nothing has the anchor ${node.source}`);
      if (within.has(target)) throw new DocumentRefusedError("cycle", `the alias ${node.source} is inside itself`);
      if (aliases > DOCUMENT_LIMITS.aliases) {
        throw new DocumentRefusedError("alias-bomb", `it uses more than ${DOCUMENT_LIMITS.aliases} aliases`);
      }
      return read(target, depth);
    }
    if (isScalar(node)) return scalar(node.value);
    if (!isMap(node) && !isSeq(node)) return null;
    if (depth === DOCUMENT_LIMITS.depth) throw tooDeep();
    within.add(node);
    const value = isSeq(node) ? node.items.map((item) => read(item, depth + 1)) : readMap(node, depth);
    within.delete(node);
    return value;
  };
  const readMap = (map: { readonly items: readonly { key: unknown; value: unknown }[] }, depth: number): JsonValue => {
    const entries = new Map<string, JsonValue>();
    for (const { key, value } of map.items) {
      const name = keyOf(key);
      refuseKey(refuseString(name));
      if (entries.has(name)) refuseSecondKey(name);
      entries.set(name, read(value, depth + 1));
    }
    return Object.fromEntries(entries);
  };
  return read;
}

/** A map's key as JSON would have it. */
export function keyOf(key: unknown): string {
  if (isScalar(key)) return String(key.value);
  if (typeof key === "string") return key;
  throw new DocumentRefusedError("not-json", "a map has a key that is no text");
}

function scalar(value: unknown): JsonValue {
  if (typeof value === "string") return refuseString(value);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value === undefined) return null;
  throw new DocumentRefusedError("not-json", `${typeof value === "number" ? String(value) : "a value"} is not JSON`);
}
