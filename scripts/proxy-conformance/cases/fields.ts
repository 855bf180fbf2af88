import { aWhile, type ConformanceCase, demand, fieldOf, hasStatus } from "../conformance-case.ts";
import type { Laboratory } from "../laboratory.ts";

/** The request as the upstream gets it. */
async function passedOn(lab: Laboratory, start: string, fields: readonly string[], body = ""): Promise<string> {
  const client = await lab.send(lab.request(start, fields, body));
  await client.until(/^HTTP\/1\.1 200/);
  return lab.firstRequest();
}

/** The answer as the client gets it. */
async function givenBack(lab: Laboratory, answer: string, isWhole: RegExp = /ok$/): Promise<string> {
  lab.answer = (peer) => peer.write(answer);
  return (await lab.send(lab.request("GET /x"))).until(isWhole);
}

function dropsFromRequests(section: string, name: string, fields: readonly string[]): ConformanceCase {
  return {
    section,
    title: `keeps a request's ${name} from the upstream`,
    async run(lab) {
      const value = fieldOf(await passedOn(lab, "GET /x", fields), name);
      demand(value === undefined || !fields.some((field) => field.endsWith(value)), `passed it on: ${value}`);
    },
  };
}

export const FIELDS: readonly ConformanceCase[] = [
  dropsFromRequests("RFC 9110 7.6.1", "x-hop", ["connection: close, X-Hop", "x-hop: 1"]),
  dropsFromRequests("RFC 9110 7.6.1", "x-second", ["connection: x-first", "connection: x-second", "x-second: 1"]),
  dropsFromRequests("RFC 9110 7.6.1", "keep-alive", ["keep-alive: timeout=77"]),
  dropsFromRequests("RFC 9110 7.6.1", "proxy-connection", ["proxy-connection: x-odd"]),
  dropsFromRequests("RFC 9110 7.6.1, 10.1.4", "te", ["connection: te", "te: gzip"]),
  dropsFromRequests("RFC 9110 7.8", "upgrade", ["upgrade: h2c"]),
  {
    section: "RFC 9110 6.5",
    title: "passes a request's trailers on",
    async run(lab) {
      const fields = ["trailer: x-sum", "transfer-encoding: chunked"];
      const request = await passedOn(lab, "POST /x", fields, "2\r\nhi\r\n0\r\nX-Sum: 77\r\nx-more: a b\r\n\r\n");
      demand(/\r\n0\r\nx-sum: 77\r\nx-more: a b\r\n\r\n$/i.test(request), `sent ${JSON.stringify(request.slice(-60))}`);
    },
  },
  {
    section: "RFC 9110 6.5.1",
    title: "keeps framing, routing and what ends at this hop out of a request's trailers",
    async run(lab) {
      const bad = ["content-length: 7", "transfer-encoding: chunked", "host: evil", "keep-alive: timeout=77"];
      const body = `2\r\nhi\r\n0\r\n${bad.join("\r\n")}\r\nx-sum: 77\r\n\r\n`;
      const client = await lab.send(lab.request("POST /x", ["transfer-encoding: chunked"], body));
      const answer = await client.settled(/^HTTP\/1\.1 \d{3}/);
      const [, after = ""] = (lab.requests[0] ?? "").split(/\r\n0\r\n/);
      demand(!/content-length|transfer-encoding|host|keep-alive/i.test(after), `passed on ${JSON.stringify(after)}`);
      demand(client.isOver || hasStatus(answer, "(200|4\\d\\d)"), "did not answer");
    },
  },
  {
    section: "RFC 9110 7.6.1",
    title: "keeps fields that an answer's Connection names from the client",
    async run(lab) {
      const head = "connection: X-Hop, keep-alive\r\nx-hop: 1\r\nkeep-alive: timeout=77\r\n";
      const answer = await givenBack(lab, `HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\nok`);
      demand(fieldOf(answer, "x-hop") === undefined, "passed x-hop on");
      demand(fieldOf(answer, "keep-alive") !== "timeout=77", "passed keep-alive on");
    },
  },
  {
    section: "RFC 9112 9.6",
    title: "keeps a client's connection when the upstream closes its own",
    async run(lab) {
      lab.answer = (peer) => {
        peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        peer.socket.end();
      };
      const client = await lab.send(lab.request("GET /x"));
      await client.until(/ok$/);
      client.take();
      client.write(lab.request("GET /y"));
      await client.until(/^HTTP\/1\.1 200[^]*ok$/);
    },
  },
  {
    section: "RFC 9110 7.6.3",
    title: "tells the upstream of itself with Via",
    async run(lab) {
      const via = fieldOf(await passedOn(lab, "GET /x", ["via: 1.0 fred"]), "via");
      demand(/^1\.0 fred *, *(HTTP\/)?1\.1 \S+/i.test(via ?? ""), `sent via: ${via}`);
    },
  },
  {
    section: "RFC 9110 7.6.2",
    title: "counts Max-Forwards down, and stops at 0",
    async run(lab) {
      const count = fieldOf(await passedOn(lab, "OPTIONS /x", ["max-forwards: 5"]), "max-forwards");
      demand(count === "4", `passed ${count} on`);
      const last = await lab.send(lab.request("OPTIONS /y", ["max-forwards: 0"]));
      await last.until(/^HTTP\/1\.1 \d{3}/);
      demand(lab.requests.length === 1, "passed 0 on");
    },
  },
  {
    section: "RFC 9110 5.3",
    title: "keeps several fields of one name in their order, and Set-Cookie apart",
    async run(lab) {
      const fields = "a: 1\r\nset-cookie: x=1\r\na: 2\r\nset-cookie: y=2\r\n";
      const answer = await givenBack(lab, `HTTP/1.1 200 OK\r\n${fields}content-length: 2\r\n\r\nok`);
      demand(fieldOf(answer, "a")?.replaceAll(" ", "") === "1,2", `gave a: ${fieldOf(answer, "a")}`);
      demand(
        ["x=1", "y=2"].every((cookie) => new RegExp(`^set-cookie: *${cookie}\r$`, "im").test(answer)),
        "joined the cookies",
      );
    },
  },
  {
    section: "RFC 9110 5.5",
    title: "keeps bytes above 127 as they are, both ways",
    async run(lab) {
      lab.answer = (peer) => peer.write("HTTP/1.1 200 OK\r\na: \xe9\xff\r\ncontent-length: 2\r\n\r\nok");
      const client = await lab.send(lab.request("GET /x", ["a: \xe9\xff"]));
      demand(fieldOf(await client.until(/ok$/), "a") === "\xe9\xff", "changed the answer's");
      demand(fieldOf(await lab.firstRequest(), "a") === "\xe9\xff", "changed the request's");
    },
  },
  {
    section: "RFC 9110 5.1",
    title: "passes on fields that it does not know, and empty ones",
    async run(lab) {
      const request = await passedOn(lab, "GET /x", ["x-unknown: a", "x-empty:"]);
      demand(fieldOf(request, "x-unknown") === "a" && fieldOf(request, "x-empty") === "", "dropped one");
    },
  },
  {
    section: "RFC 9112 3; RFC 3986 6.2",
    title: "passes the target on as it was written",
    async run(lab) {
      const target = "/a%2Fb/../c//d;e=%7e?q=%20+&r";
      const request = await passedOn(lab, `GET ${target}`, []);
      demand(request.split(" ")[1]?.endsWith(target) === true, `passed ${request.split(" ")[1]} on`);
    },
  },
  {
    section: "list; RFC 7239",
    title: "tells the upstream where the request came from",
    async run(lab) {
      const request = await passedOn(lab, "GET /x", []);
      const told = fieldOf(request, "x-forwarded-for") ?? fieldOf(request, "forwarded") ?? "";
      demand(told.includes("127.0.0.1"), "sent neither Forwarded nor X-Forwarded-For");
    },
  },
  {
    section: "RFC 9112 6.3; RFC 9110 9.3.2",
    title: "passes a HEAD's answer on with its length and without a body, and keeps the connection",
    async run(lab) {
      lab.answer = (peer, request) =>
        peer.write(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n${request.startsWith("HEAD") ? "" : "hello"}`);
      const client = await lab.send(lab.request("HEAD /x"));
      const answer = await client.until(/\r\n\r\n/);
      demand(fieldOf(answer, "content-length") === "5", "lost the length");
      client.take();
      client.write(lab.request("GET /y"));
      await client.until(/^HTTP\/1\.1 200[^]*\r\n\r\nhello$/);
    },
  },
  ...([204, 304] as const).map((status): ConformanceCase => ({
    section: `RFC 9110 ${status === 204 ? "15.3.5" : "15.4.5"}; RFC 9112 6.3`,
    title: `passes ${status} on without a body, and keeps the connection`,
    async run(lab) {
      lab.answer = (peer, request) =>
        peer.write(
          request.includes("/y") ? "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" : `HTTP/1.1 ${status} X\r\n\r\n`,
        );
      const client = await lab.send(lab.request("GET /x"));
      const answer = await client.until(/\r\n\r\n/);
      demand(fieldOf(answer, "transfer-encoding") === undefined, "announced chunks");
      client.take();
      client.write(lab.request("GET /y"));
      await client.until(/^HTTP\/1\.1 200[^]*ok$/);
    },
  })),
  {
    section: "RFC 9110 15",
    title: "passes a status on that it does not know, with its reason",
    async run(lab) {
      const answer = await givenBack(lab, "HTTP/1.1 299 Quite Fine\r\ncontent-length: 2\r\n\r\nok");
      demand(answer.startsWith("HTTP/1.1 299 "), `gave ${answer.slice(0, 30)}`);
    },
  },
  {
    section: "RFC 9112 2.3",
    title: "speaks HTTP/1.1 to its client when the upstream speaks HTTP/1.0",
    async run(lab) {
      lab.answer = (peer) => {
        peer.write("HTTP/1.0 200 OK\r\n\r\nok");
        peer.socket.end();
      };
      const client = await lab.send(lab.request("GET /x"));
      demand((await client.until(/ok/)).startsWith("HTTP/1.1 200"), "passed HTTP/1.0 on");
      await aWhile(20);
    },
  },
  {
    section: "RFC 9112 6.1, 7",
    title: "gives a client of HTTP/1.0 no chunks",
    async run(lab) {
      const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
      lab.answer = (peer, request) => {
        // An upstream that is asked in HTTP/1.0 sends none.
        const isOld = request.includes(" HTTP/1.0\r\n");
        peer.write(isOld ? "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok" : chunked);
        if (isOld) peer.socket.end();
      };
      const client = await lab.send(lab.request("GET /x HTTP/1.0"));
      const answer = await client.ended();
      demand(
        !/transfer-encoding/i.test(answer) && answer.endsWith("\r\n\r\nok"),
        `gave ${JSON.stringify(answer.slice(-40))}`,
      );
    },
  },
];
