import { InvalidRequestError, type Page } from "@aibos/contract";

/** Where a page ended: the sort keys of its last row, as text. */
export type Cursor = readonly [string, ...string[]];

const MAX_PARTS = 4;

/** Writes a cursor for callers, who must not read anything into it. */
export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor), "utf8").toString("base64url");
}

/**
 * Reads a cursor that came back; undefined where none was given.
 *
 * @param parts how many keys the list is sorted by, where the reader needs to rely on it
 * @throws InvalidRequestError for anything that is not one of our cursors
 */
export function readCursor(text: string | undefined, parts?: number): Cursor | undefined {
  if (text === undefined) return undefined;
  const values = parseJson(Buffer.from(text, "base64url").toString("utf8"));
  if (!isCursor(values) || (parts !== undefined && values.length !== parts)) throw invalidCursor();
  return values;
}

function invalidCursor(): InvalidRequestError {
  return new InvalidRequestError([
    { path: "cursor", message: "pass nextCursor of this list's page before, unchanged; or leave it out to begin" },
  ]);
}

/** Makes a page of `limit` rows out of up to `limit + 1`: the row too many tells that there is a next page. */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => Cursor): Page<T> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : writeCursor(keyOf(last)) };
}

function isCursor(value: unknown): value is Cursor {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MAX_PARTS &&
    // PostgreSQL's text can't hold NUL.
    value.every((part: unknown) => typeof part === "string" && !part.includes("\0"))
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
