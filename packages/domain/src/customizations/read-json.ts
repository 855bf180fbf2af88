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

/**
 * Reads JSON from outside. A key that is given twice is refused: `JSON.parse` would silently lose one.
 *
 * @throws DocumentRefusedError
 */
export function readJson(text: string): JsonValue {
  refuseSize(text);
  try {
    const value = JSON.parse(text) as JsonValue;
    checkTokens(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) throw new DocumentRefusedError("syntax", error.message, { cause: error });
    if (error instanceof RangeError) throw tooDeep(error);
    throw error;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s"{}[\],:]+/g;

/** Looks at each token of a text that is known to be JSON. */
function checkTokens(text: string): void {
  const count = createValueCount();
  /** The keys of the map, or null for a list, at each level. */
  const open: (Set<string> | null)[] = [];
  let keyComes = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      count();
      if (open.length === DOCUMENT_LIMITS.depth) throw tooDeep();
      open.push(token === "{" ? new Set() : null);
      keyComes = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      keyComes = false;
    } else if (token === ",") {
      keyComes = open.at(-1) !== null;
    } else if (keyComes) {
      checkKey(JSON.parse(token) as string, open.at(-1));
      keyComes = false;
    } else {
      count();
      if (token.includes("\\u")) refuseString(JSON.parse(token) as string);
    }
  }
}

function checkKey(key: string, seen: Set<string> | null | undefined): void {
  refuseKey(refuseString(key));
  if (seen?.has(key) === true) refuseSecondKey(key);
  seen?.add(key);
}
