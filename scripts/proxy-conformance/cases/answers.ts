import { aWhile, type ConformanceCase, demand, fieldOf, hasStatus } from "../conformance-case.ts";
import type { Laboratory } from "../laboratory.ts";

/** Lets the upstream answer with bytes, and then end its connection if `end`. */
async function answered(lab: Laboratory, bytes: string, end = false) {
  lab.answer = (peer) => {
    peer.write(bytes);
    if (end) peer.socket.end();
  };
  return lab.send(lab.request("GET /x"));
}

/** An answer of the upstream that a proxy can't pass on: it must say 5xx, or close. */
function gives5xx(section: string, title: string, bytes: string, end = false): ConformanceCase {
  return {
    section,
    title,
    async run(lab) {
      const client = await answered(lab, bytes, end);
      const answer = await client.settled(/^HTTP\/1\.[01] \d{3}/);
      demand(
        hasStatus(answer, "5\\d\\d") || (client.isOver && answer === ""),
        `gave ${JSON.stringify(answer.slice(0, 60))}`,
      );
    },
  };
}

export const ANSWERS: readonly ConformanceCase[] = [
  {
    section: "RFC 9110 15.2; RFC 8297",
    title: "passes 103 on before the answer",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x"));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      upstream.write("HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload; as=style\r\n\r\n");
      await client.until(/^HTTP\/1\.1 103 [^]*<\/a\.css>[^]*\r\n\r\n/);
      upstream.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      await client.until(/HTTP\/1\.1 200[^]*ok$/);
    },
  },
  {
    section: "RFC 9110 15.2",
    title: "takes several informational answers for none of them the last",
    async run(lab) {
      const early = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";
      const client = await answered(
        lab,
        `HTTP/1.1 102 Processing\r\n\r\n${early}${early}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`,
      );
      await client.until(/HTTP\/1\.1 200[^]*ok$/);
    },
  },
  {
    section: "RFC 9110 15.2",
    title: "keeps informational answers from a client of HTTP/1.0",
    async run(lab) {
      const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";
      lab.answer = (peer, request) =>
        peer.write(`${request.includes(" HTTP/1.0\r\n") ? "" : hints}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`);
      const client = await lab.send(lab.request("GET /x HTTP/1.0"));
      demand(hasStatus(await client.until(/ok$/), "200"), "passed it on");
    },
  },
  {
    section: "RFC 9110 6.5; RFC 9112 7.1.2; list",
    title: "passes trailers on",
    async run(lab) {
      lab.answer = (peer) =>
        peer.write(
          "HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 77\r\n\r\n",
        );
      const client = await lab.send(lab.request("GET /x", ["connection: te", "te: trailers"]));
      await client.until(/\r\n0\r\nx-sum: 77\r\n\r\n$/i);
    },
  },
  {
    section: "RFC 9110 6.5.1, 7.6.1",
    title: "keeps what ends at this hop out of an answer's trailers",
    async run(lab) {
      const trailers = "keep-alive: timeout=77\r\nproxy-connection: close\r\nx-sum: 77\r\n";
      lab.answer = (peer) =>
        peer.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`);
      const client = await lab.send(lab.request("GET /x", ["connection: te", "te: trailers"]));
      const text = await client.settled(/\r\n0\r\n[^]*\r\n$/);
      const [, after = ""] = text.split(/\r\n0\r\n/);
      demand(!/keep-alive|proxy-connection/i.test(after), `passed on ${JSON.stringify(after)}`);
    },
  },
  {
    section: "RFC 9112 6.3",
    title: "passes on an answer that ends with its connection",
    async run(lab) {
      const client = await answered(lab, "HTTP/1.1 200 OK\r\n\r\nhello", true);
      await client.until(/hello(\r\n0\r\n\r\n)?$/);
      const text = await client.settled(/hello\r\n0\r\n\r\n$/);
      demand(client.isOver || text.endsWith("\r\n0\r\n\r\n"), "never ends it");
    },
  },
  {
    section: "RFC 9112 6.3",
    title: "believes an answer's chunks and not its length, when it has both",
    async run(lab) {
      const both = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
      const answer = await (await answered(lab, both)).settled(/^HTTP\/1\.1 (502|200[^]*ok)/);
      if (hasStatus(answer, "502")) return;
      demand(fieldOf(answer, "content-length") !== "3", "passed the length on");
      demand(answer.includes("ok"), "lost the body");
    },
  },
  gives5xx(
    "RFC 9112 6.3",
    "says 502 to an answer with two lengths that differ",
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
  ),
  gives5xx(
    "RFC 9112 6.3",
    "says 502 to an answer with a length that is none",
    "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok",
  ),
  gives5xx("RFC 9112 4", "says 502 to what is no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", true),
  gives5xx("RFC 9110 15.6.3", "says 502 when the upstream closes without an answer", "", true),
  gives5xx(
    "RFC 9110 15.6.3",
    "says 502 when the upstream closes in its answer's head",
    "HTTP/1.1 200 OK\r\ncontent-le",
    true,
  ),
  {
    section: "RFC 9112 5.2",
    title: "refuses a folded field in an answer, or unfolds it",
    async run(lab) {
      const client = await answered(lab, "HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 2\r\n\r\nok");
      const answer = await client.settled(/^HTTP\/1\.1 (5\d\d|200[^]*ok)/);
      demand(client.isOver || hasStatus(answer, "5\\d\\d") || /^a: b +c\r$/m.test(answer), "passed it on as it is");
    },
  },
  {
    section: "RFC 9112 5.1",
    title: "takes the space before a colon away, or refuses the answer",
    async run(lab) {
      const client = await answered(lab, "HTTP/1.1 200 OK\r\na : b\r\ncontent-length: 2\r\n\r\nok");
      const answer = await client.settled(/^HTTP\/1\.1 (5\d\d|200[^]*ok)/);
      demand(client.isOver || !/^a : b/m.test(answer), "passed it on as it is");
    },
  },
  {
    section: "RFC 9112 6.3, 9.2; list",
    title: "takes nothing after an answer's end for the next one",
    async run(lab) {
      const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
      lab.answer = (peer, request) =>
        peer.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${request.includes("/first") ? evil : ""}`);
      const client = await lab.send(lab.request("GET /first"));
      await client.until(/ok/);
      await aWhile(30);
      const next = await lab.send(lab.request("GET /second"));
      await next.settled(/ok$|evil/);
      demand(!next.text.includes("evil") && !client.text.includes("evil"), "gave a client what was not its answer");
    },
  },
  {
    section: "RFC 9112 8; list",
    title: "breaks off when the upstream dies in a body with a length",
    async run(lab) {
      const client = await answered(lab, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", true);
      const text = await client.ended();
      demand(hasStatus(text, "5\\d\\d") || text.endsWith("half"), "made something else of it");
    },
  },
  {
    section: "RFC 9112 7.1, 8; list",
    title: "breaks off when the upstream dies between chunks",
    async run(lab) {
      const client = await answered(lab, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", true);
      demand(!(await client.ended()).endsWith("\r\n0\r\n\r\n"), "gave half an answer as a whole one");
    },
  },
  {
    section: "RFC 9112 8; list",
    title: "breaks off when the upstream resets its connection in a body",
    async run(lab) {
      lab.answer = (peer) => {
        peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        setTimeout(() => peer.socket.resetAndDestroy(), 30);
      };
      const client = await lab.send(lab.request("GET /x"));
      demand(!(await client.ended()).endsWith("\r\n0\r\n\r\n"), "gave half an answer as a whole one");
    },
  },
  {
    section: "RFC 9110 15.6.5; list",
    title: "says 504 when the upstream does not answer",
    async run(lab) {
      lab.answer = () => undefined;
      const client = await lab.send(lab.request("GET /x"));
      demand(hasStatus(await client.until(/^HTTP\/1\.1 \d{3}/), "504"), `gave ${client.text.slice(0, 20)}`);
    },
  },
];
