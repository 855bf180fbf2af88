import { describe, expect, test } from "vitest";
import { InvalidRequestError } from "@aibos/contract";
import { pageOf, readCursor, writeCursor } from "./cursor.ts";

describe("a cursor", () => {
  test("comes back as it was written", () => {
    expect(readCursor(writeCursor(["2027-01-31 09:30:00.123456+00", "mig_ü"]))).toEqual([
      "2027-01-31 09:30:00.123456+00",
      "mig_ü",
    ]);
    expect(readCursor(undefined)).toBeUndefined();
  });

  test("is safe in an address", () => {
    expect(writeCursor(["\u00ff\u00fe\u00fd???>>>"])).toMatch(/^[\w-]+$/);
  });

  const encode = (text: string): string => Buffer.from(text).toString("base64url");
  test.each([
    ["nothing", ""],
    ["plain text", "acme"],
    ["no JSON", encode("acme")],
    ["no list", encode('{"0":"a"}')],
    ["an empty list", encode("[]")],
    ["numbers", encode("[1]")],
    ["a list in a list", encode('[["a"]]')],
    ["too many parts", encode('["a","b","c","d","e"]')],
    ["a character that can't be stored", encode(String.raw`["a\u0000"]`)],
  ])("that holds %s is refused", (_, text) => {
    expect(() => readCursor(text)).toThrow(InvalidRequestError);
  });

  test("of another list, with other keys, is refused", () => {
    expect(() => readCursor(writeCursor(["a", "b"]), 1)).toThrow(/nextCursor/);
  });
});

describe("a page", () => {
  test.each([
    [0, [], false],
    [2, ["a", "b"], false],
    [3, ["a", "b"], true],
  ])("of two out of %i rows holds %j, with a next one: %s", (count, items, more) => {
    const page = pageOf(["a", "b", "c"].slice(0, count), 2, (row) => [row]);
    expect(page.items).toEqual(items);
    expect(page.nextCursor).toBe(more ? writeCursor(["b"]) : null);
  });
});
