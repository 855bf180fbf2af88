import {
  type ConformanceCase,
  demand,
  fieldOf,
  hasStatus,
  mustRefuse,
  mustRefuseOrRepair,
} from "../conformance-case.ts";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
const CHUNKED = "transfer-encoding: chunked";

function refuses(section: string, title: string, start: string, fields: readonly string[], body = ""): ConformanceCase {
  const run: ConformanceCase["run"] = (laboratory) => mustRefuse(laboratory, laboratory.request(start, fields, body));
  return { section, title: `refuses ${title}`, run };
}

/** A request of the text after its start line's method and target. */
function refusesBytes(section: string, title: string, text: (target: string) => string): ConformanceCase {
  return { section, title: `refuses ${title}`, run: (lab) => mustRefuse(lab, text(`${lab.proxy.prefix}/x`)) };
}

const chunksOnlyOnce: ConformanceCase[] = ["GET", "DELETE", "OPTIONS", "PUT"].map((method) => ({
  section: "RFC 9112 6.1, 7.1; list",
  title: `takes a ${method} with chunks for one request, whatever its chunks hold`,
  async run(lab) {
    const chunk = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;
    const client = await lab.send(lab.request(`${method} /x`, [CHUNKED], chunk));
    await client.settled(/^HTTP\/1\.[01] \d{3}/);
    const seen = lab.connections.map(({ text }) => text).join("");
    demand(lab.requests.length <= 1, "a request that was hidden in a chunk reached the upstream");
    const isFramed =
      !seen.includes("/smuggled") || /^(transfer-encoding: *chunked|content-length: *\d+)\r$/im.test(seen);
    demand(isFramed, "the body went on without chunks and without a length");
  },
}));

export const REQUEST_FRAMING: readonly ConformanceCase[] = [
  refuses(
    "list; RFC 9112 6.1",
    "a length and chunks together",
    "POST /x",
    ["content-length: 6", CHUNKED],
    "0\r\n\r\nG",
  ),
  refuses(
    "list; RFC 9112 6.1",
    "chunks and a length, in this order",
    "POST /x",
    [CHUNKED, "content-length: 6"],
    "0\r\n\r\nG",
  ),
  refuses("RFC 9112 6.3", "two lengths that differ", "POST /x", ["content-length: 5", "content-length: 6"], "hello!"),
  refuses("RFC 9112 6.3", "a list of lengths that differ", "POST /x", ["content-length: 5, 6"], "hello!"),
  {
    section: "RFC 9110 8.6",
    title: "refuses the same length twice, or passes it on once",
    run: (lab) =>
      mustRefuseOrRepair(
        lab,
        lab.request("POST /x", ["content-length: 5", "content-length: 5"], "hello"),
        (request) => fieldOf(request, "content-length") === "5",
      ),
  },
  {
    section: "RFC 9110 8.6",
    title: "refuses a list of the same length, or passes it on once",
    run: (lab) =>
      mustRefuseOrRepair(
        lab,
        lab.request("POST /x", ["content-length: 5, 5"], "hello"),
        (request) => fieldOf(request, "content-length") === "5",
      ),
  },
  ...["+5", "-5", "0x5", "5 5", "5a", "99999999999999999999999"].map((length) =>
    refuses("RFC 9110 8.6; RFC 9112 6.3", `the length "${length}"`, "POST /x", [`content-length: ${length}`], "hello"),
  ),
  refuses(
    "RFC 9112 6.1",
    "an encoding after chunked",
    "POST /x",
    ["transfer-encoding: chunked, identity"],
    "0\r\n\r\n",
  ),
  refuses(
    "RFC 9112 6.1, 6.3",
    "an encoding that is almost chunked",
    "POST /x",
    ["transfer-encoding: xchunked"],
    "0\r\n\r\n",
  ),
  refuses("RFC 9112 6.1", "a vertical tab before chunked", "POST /x", ["transfer-encoding: \x0bchunked"], "0\r\n\r\n"),
  refuses("RFC 9112 6.1", "chunked twice", "POST /x", [CHUNKED, CHUNKED], "0\r\n\r\n"),
  {
    section: "RFC 9112 6.1",
    title: "refuses chunks in HTTP/1.0, or makes one request of them and closes",
    run: (lab) =>
      mustRefuseOrRepair(lab, lab.request("POST /x HTTP/1.0", [CHUNKED], `0\r\n\r\n${SMUGGLED}`), () => true),
  },
  refuses("RFC 9112 5.1", "a space before a colon", "POST /x", ["content-length : 5"], "hello"),
  refuses(
    "RFC 9112 5.1; list",
    "a space before the colon of Transfer-Encoding",
    "POST /x",
    [`transfer-encoding : chunked`],
    "0\r\n\r\n",
  ),
  {
    section: "RFC 9112 5.2; list",
    title: "refuses a folded field, or unfolds it",
    run: (lab) =>
      mustRefuseOrRepair(lab, lab.request("GET /x", ["a: b\r\n c: d"]), (request) => !/\r\n c: d/.test(request)),
  },
  refuses("RFC 9112 2.2", "a space before the first field", "GET /x HTTP/1.1\r\n ", []),
  {
    section: "RFC 9112 2.2; list",
    title: "refuses a bare line feed in a field, or takes it for the line's end",
    run: (lab) => mustRefuseOrRepair(lab, lab.request("GET /x", ["a: b\nc: d"]), (request) => !/[^\r]\n/.test(request)),
  },
  {
    section: "RFC 9112 2.2",
    title: "refuses a bare carriage return in a field, or puts a space there",
    run: (lab) => mustRefuseOrRepair(lab, lab.request("GET /x", ["a: b\rc: d"]), (request) => !/\r[^\n]/.test(request)),
  },
  {
    section: "RFC 9110 5.5",
    title: "refuses a null byte in a field, or puts a space there",
    run: (lab) => mustRefuseOrRepair(lab, lab.request("GET /x", ["a: b\0c"]), (request) => !request.includes("\0")),
  },
  refuses("RFC 9112 7.1", "a chunk's size in C's notation", "POST /x", [CHUNKED], "0x5\r\nhello\r\n0\r\n\r\n"),
  refuses("RFC 9112 7.1", "a chunk's size with a sign", "POST /x", [CHUNKED], "+5\r\nhello\r\n0\r\n\r\n"),
  refuses(
    "RFC 9112 7.1",
    "a chunk's size that overflows",
    "POST /x",
    [CHUNKED],
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
  ),
  refuses("RFC 9112 7.1", "a chunk that is longer than it says", "POST /x", [CHUNKED], "3\r\nhello\r\n0\r\n\r\n"),
  refuses("RFC 9112 7.1; list", "a bare line feed after a chunk's size", "POST /x", [CHUNKED], "5\nhello\r\n0\r\n\r\n"),
  refuses("RFC 9112 7.1; list", "a bare line feed after a chunk", "POST /x", [CHUNKED], "5\r\nhello\n0\r\n\r\n"),
  {
    section: "RFC 9112 7.1.1",
    title: "takes chunks with extensions that it does not know",
    async run(lab) {
      const client = await lab.send(lab.request("POST /x", [CHUNKED], '5;a=b;c="d"\r\nhello\r\n0\r\n\r\n'));
      await client.until(/^HTTP\/1\.1 200/);
      demand((await lab.firstRequest()).includes("hello"), "the body did not arrive");
    },
  },
  ...chunksOnlyOnce,
  refusesBytes("RFC 9112 3.2", "a request without Host", (target) => `GET ${target} HTTP/1.1\r\n\r\n`),
  refuses("RFC 9112 3.2", "a request with two Hosts", "GET /x", ["host: a.example", "host: b.example"]),
  refuses("RFC 9112 3.2", "a Host that is none", "GET /x", ["host: a b/c"]),
  refusesBytes("RFC 9112 3", "a space in the target", (target) => `GET ${target} y HTTP/1.1\r\nhost: x\r\n\r\n`),
  refusesBytes(
    "RFC 9112 3; RFC 3986",
    "a control character in the target",
    (t) => `GET ${t}\x01 HTTP/1.1\r\nhost: x\r\n\r\n`,
  ),
  refusesBytes("RFC 9112 2.3", "a version that is none", (target) => `GET ${target} HTTP/1.x\r\nhost: x\r\n\r\n`),
  refusesBytes("RFC 9112 2.3", "a name of the protocol in lower case", (t) => `GET ${t} http/1.1\r\nhost: x\r\n\r\n`),
  refusesBytes("RFC 9110 9.1", "a method that is no token", (target) => `GE(T ${target} HTTP/1.1\r\nhost: x\r\n\r\n`),
  refuses("RFC 9110 5.1", "a field's name that is no token", "GET /x", ["a(b: c"]),
  refuses("RFC 9110 5.1", "a field without a name", "GET /x", [": c"]),
  refuses("RFC 9112 5", "a line without a colon", "GET /x", ["broken"]),
  {
    section: "RFC 9112 2.2",
    title: "takes no notice of an empty line before a request",
    async run(lab) {
      const client = await lab.send(`\r\n${lab.request("GET /x")}`);
      await client.until(/^HTTP\/1\.1 200/);
    },
  },
  {
    section: "RFC 9112 3.2.2",
    title: "takes a target with scheme and host",
    async run(lab) {
      const client = await lab.send(lab.request(`GET http://shop.example${lab.proxy.prefix}/x`));
      await client.until(/^HTTP\/1\.1 200/);
      demand(/^GET (http:\/\/\S+)?\/x HTTP/.test(await lab.firstRequest()), "the path did not arrive");
    },
  },
  {
    section: "RFC 9110 9.3.6",
    title: "opens no tunnel for CONNECT",
    async run(lab) {
      const client = await lab.send(`CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n${SMUGGLED}`);
      const answer = await client.settled(/^HTTP\/1\.[01] \d{3}/);
      demand(!hasStatus(answer, "2\\d\\d"), "answered with success");
      demand(
        lab.connections.every(({ text }) => !text.startsWith("GET /smuggled")),
        "the tunnel's bytes reached the upstream",
      );
    },
  },
  {
    section: "RFC 9112 5; RFC 9110 5.4",
    title: "refuses fields that are too large with 4xx, and goes on serving",
    async run(lab) {
      const client = await lab.send(lab.request("GET /x", [`a: ${"b".repeat(300_000)}`]));
      const answer = await client.settled(/^HTTP\/1\.[01] \d{3}/);
      demand(hasStatus(answer, "4\\d\\d") || client.isOver, `answered ${JSON.stringify(answer.slice(0, 40))}`);
      await (await lab.send(lab.request("GET /y"))).until(/^HTTP\/1\.1 200/);
    },
  },
  {
    section: "RFC 9112 3",
    title: "takes targets of 8,000 bytes",
    async run(lab) {
      const client = await lab.send(lab.request(`GET /${"x".repeat(7_900)}`));
      await client.until(/^HTTP\/1\.1 200/);
    },
  },
];
