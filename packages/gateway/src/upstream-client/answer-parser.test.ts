import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnswerParser } from "./answer-parser.ts";

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  body: string;
  trailers?: readonly string[];
}

/** What is read from bytes that come in parts of those sizes; in one part without. */
function read(bytes: string, options: { sizes?: readonly number[]; toHead?: boolean; ends?: boolean } = {}) {
  const answers: Answer[] = [];
  let idleMs = -1;
  const parser = new AnswerParser(
    {
      head(head) {
        ({ idleMs } = head);
        answers.push({ status: head.status, headers: head.headers, body: "" });
      },
      data(part) {
        const answer = answers.at(-1);
        if (answer !== undefined) answer.body += part.toString("latin1");
      },
      end(trailers) {
        const answer = answers.at(-1);
        if (answer !== undefined) answer.trailers = trailers;
      },
    },
    1_000,
  );
  parser.begin(options.toHead ?? false);
  const all = Buffer.from(bytes, "latin1");
  let at = 0;
  for (const size of options.sizes ?? []) {
    parser.read(all.subarray(at, at + size));
    at += size;
  }
  parser.read(all.subarray(at));
  return { answers, idleMs, isWhole: options.ends === true ? parser.finish() : parser.isIdle };
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("an answer's end", () => {
  test.each([
    ["its length", `${OK}content-length: 5\r\n\r\nhello`, "hello"],
    ["a length of nothing", `${OK}content-length: 0\r\n\r\n`, ""],
    ["its last chunk", `${OK}transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\n\r\n`, "hello"],
    ["a status without content", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", ""],
    ["a status for what the client has", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", ""],
  ])("is told by %s", (_by, bytes, body) => {
    const { answers, isWhole } = read(bytes);
    expect(answers.map((answer) => answer.body)).toEqual([body]);
    expect(isWhole).toBe(true);
  });

  test("to a HEAD request is its head's, whatever its length says", () => {
    expect(read(`${OK}content-length: 5\r\n\r\n`, { toHead: true }).isWhole).toBe(true);
  });

  test("is the connection's where nothing else tells it, and the connection is not used again", () => {
    const { answers, idleMs, isWhole } = read(`${OK}\r\nhello`, { ends: true });
    expect(answers[0]?.body).toBe("hello");
    expect({ idleMs, isWhole }).toEqual({ idleMs: 0, isWhole: true });
  });

  test.each([
    ["head", `${OK}content-le`],
    ["content", `${OK}content-length: 5\r\n\r\nhell`],
    ["chunks", `${OK}transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n`],
    ["trailers", `${OK}transfer-encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n`],
  ])("is not the connection's in its %s", (_where, bytes) => {
    expect(read(bytes, { ends: true }).isWhole).toBe(false);
  });
});

test("trailers come after the content", () => {
  const chunked = `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n`;
  expect(read(chunked).answers).toEqual([
    { status: 200, headers: ["transfer-encoding", "chunked"], body: "ok", trailers: ["x-sum", "7"] },
  ]);
});

test("informational answers come before the one that they announce", () => {
  const { answers } = read(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 2\r\n\r\nok`);
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [103, ""],
    [200, "ok"],
  ]);
});

test.each([
  ["for five seconds, as it says, less one", "keep-alive: timeout=5\r\n", 4_000],
  ["for some seconds when it says nothing", "", 4_000],
  ["not at all when it says close", "connection: Keep-Alive, Close\r\n", 0],
  ["not at all for less than a second", "keep-alive: timeout=1\r\n", 0],
])("an idle connection is kept %s", (_how, field, idleMs) => {
  expect(read(`${OK}${field}content-length: 0\r\n\r\n`).idleMs).toBe(idleMs);
});

describe("what can be read in two ways is refused:", () => {
  test.each([
    ["no status line", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["another version of HTTP", "HTTP/2.0 200 OK\r\n\r\n"],
    ["another protocol, of which the end does not come", "220 mail.example ESMTP\r\n"],
    ["a length and chunks", `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ["two lengths", `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`],
    ["a length that is none", `${OK}content-length: +2\r\n\r\nok`],
    ["a coding that the client would not know of", `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a folded field", `${OK}a: b\r\n c\r\n\r\n`],
    ["a space before a colon", `${OK}a : b\r\n\r\n`],
    ["a bare line feed", `${OK}a: b\nc: d\r\n\r\n`],
    ["a bare carriage return", `${OK}a: b\rc: d\r\n\r\n`],
    ["a null byte", `${OK}a: b\0\r\n\r\n`],
    ["a chunk size that is none", `${OK}transfer-encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n`],
    ["a chunk size's bare line feed", `${OK}transfer-encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n`],
    ["a chunk that is longer than its size", `${OK}transfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n`],
    ["an upgrade that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["something after its end", `${OK}content-length: 2\r\n\r\nok${OK}content-length: 4\r\n\r\nevil`],
    ["a head that is too large", `${OK}a: ${"b".repeat(1_000)}\r\n\r\n`],
    ["a head without an end", `${OK}a: ${"b".repeat(1_000)}`],
    ["too many trailers", `${OK}transfer-encoding: chunked\r\n\r\n0\r\n${"a: bcdefgh\r\n".repeat(101)}\r\n`],
  ])("%s", (_what, bytes) => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code: "ANSWER_INVALID" }));
  });
});

test("an answer is the same in whatever parts it comes", () => {
  const whole =
    "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" +
    `${OK}server: one\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n2\r\n\r\n\r\n0\r\nx-sum: 7\r\n\r\n`;
  const expected = read(whole);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 }), (sizes) => {
      expect(read(whole, { sizes })).toEqual(expected);
    }),
  );
});
