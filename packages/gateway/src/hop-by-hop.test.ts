import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endToEndHeaders } from "./hop-by-hop.ts";

const keepAll = (): boolean => false;

/** Header names in any case, and those that matter here more often than others. */
const name = fc
  .tuple(
    fc.constantFrom(
      "connection",
      "te",
      "host",
      "content-length",
      "upgrade",
      "keep-alive",
      "cookie",
      "x-a",
      "x-b",
      "trailer",
    ),
    fc.boolean(),
  )
  .map(([text, isUpper]) => (isUpper ? text.toUpperCase() : text));
const value = fc.oneof(
  fc.array(name, { maxLength: 3 }).map((names) => names.join(" , ")),
  fc.string({ maxLength: 8 }),
);
const raw = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat());

function pairsOf(list: readonly string[]): [string, string][] {
  return list.flatMap((entry, index): [string, string][] => (index % 2 === 0 ? [[entry, list[index + 1] ?? ""]] : []));
}

describe("the headers that go on to the next hop", () => {
  test("are those given, in their order and spelling, without the fixed and the nominated ones", () => {
    const given = ["Host", "x", "Connection", "close, X-A", "x-a", "1", "X-B", "2", "X-b", "3", "TE", "gzip"];
    expect(endToEndHeaders(given, keepAll)).toEqual(["Host", "x", "X-B", "2", "X-b", "3"]);
  });

  test("are also without those that the caller drops, asked for in lower case", () => {
    const asked: string[] = [];
    const drop = (lower: string): boolean => asked.push(lower) > 0 && lower === "x-a";
    expect(endToEndHeaders(["X-A", "1", "X-B", "2"], drop)).toEqual(["X-B", "2"]);
    expect(asked).toEqual(["x-a", "x-b"]);
  });

  test("keep the length and the host, whoever nominates them: the message would mean something else", () => {
    const given = ["connection", "Host, CONTENT-LENGTH, cookie", "host", "x", "content-length", "5", "cookie", "a=b"];
    expect(endToEndHeaders(given, keepAll)).toEqual(["host", "x", "content-length", "5"]);
  });

  test("hold nothing of this hop, and everything else as it was, for any headers", () => {
    fc.assert(
      fc.property(raw, (given) => {
        const kept = endToEndHeaders(given, keepAll);
        const nominated = pairsOf(given)
          .filter(([key]) => key.toLowerCase() === "connection")
          .flatMap(([, tokens]) => tokens.split(",").map((token) => token.trim().toLowerCase()))
          .filter((token) => token !== "host" && token !== "content-length");
        const gone = new Set(["connection", "te", "upgrade", "keep-alive", ...nominated]);
        expect(pairsOf(kept)).toEqual(pairsOf(given).filter(([key]) => !gone.has(key.toLowerCase())));
        expect(endToEndHeaders(kept, keepAll)).toEqual(kept);
      }),
    );
  });
});
