import { aWhile, contentOf, type ConformanceCase, demand, fieldOf, hasStatus } from "../conformance-case.ts";
import { OK } from "../laboratory.ts";

const MEGABYTE = 1024 * 1024;
const CHUNKED = "transfer-encoding: chunked";

export const CONNECTIONS: readonly ConformanceCase[] = [
  {
    section: "RFC 9112 9.3.2",
    title: "answers several requests that come at once in their order",
    async run(lab) {
      lab.answer = (peer, request) => {
        const name = /\/(one|two|three)/.exec(request)?.[1] ?? "";
        const say = (): void => peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length + 1}\r\n\r\n${name};`);
        setTimeout(say, name === "one" ? 40 : 0);
      };
      const client = await lab.send(["one", "two", "three"].map((name) => lab.request(`GET /${name}`)).join(""));
      const text = await client.until("three;");
      demand(
        text.indexOf("one;") < text.indexOf("two;") && text.indexOf("two;") < text.indexOf("three;"),
        "mixed them up",
      );
    },
  },
  {
    section: "RFC 9112 9.3.2, 6",
    title: "takes bodies of requests that come at once for what they are",
    async run(lab) {
      const second = lab.request("POST /two", ["content-length: 3"], "two");
      const client = await lab.send(lab.request("POST /one", ["content-length: 3"], "one") + second);
      await client.until(/200[^]*200[^]*ok$/);
      const bodies = lab.requests.map((request) => request.split("\r\n\r\n")[1] ?? "").join("");
      demand(lab.requests.length === 2 && bodies.includes("one") && bodies.includes("two"), "mixed them up");
    },
  },
  {
    section: "RFC 9110 10.1.1",
    title: "lets a client that expects 100 send its body",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("POST /x", ["content-length: 5", "expect: 100-continue"]));
      // Either the proxy says 100 by itself, or it passes the question on.
      void lab.connection().then(async (peer) => {
        await peer.until("\r\n\r\n");
        if (fieldOf(peer.text, "expect") !== undefined) peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      }, Boolean);
      await client.until(/^HTTP\/1\.1 100 [^]*\r\n\r\n/);
      client.write("hello");
      const upstream = await lab.connection();
      await upstream.until("hello");
      upstream.write(OK);
      await client.until(/HTTP\/1\.1 200[^]*ok$/);
    },
  },
  {
    section: "RFC 9110 10.1.1",
    title: "passes an answer on that comes before the body which it makes unneeded",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("POST /x", ["content-length: 100000"], "begin"));
      const upstream = await lab.connection();
      await upstream.until("begin");
      upstream.write("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
      await client.until(/^HTTP\/1\.1 413 [^]*no/);
    },
  },
  {
    section: "list",
    title: "passes each part of an answer on when it comes, as event streams need",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x", ["accept: text/event-stream"]));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      upstream.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${CHUNKED}\r\n\r\n`);
      for (const event of ["1", "2"]) {
        upstream.write(`9\r\ndata: ${event}\n\n\r\n`);
        await client.until(`data: ${event}\n\n`);
      }
    },
  },
  {
    section: "list",
    title: "passes each part of a request on when it comes",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("POST /x", [CHUNKED], "3\r\none\r\n"));
      const upstream = await lab.connection();
      await upstream.until("one");
      client.write("3\r\ntwo\r\n");
      await upstream.until("two");
    },
  },
  {
    section: "list",
    title: "carries a request and its answer at the same time",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("POST /x", [CHUNKED], "3\r\none\r\n"));
      const upstream = await lab.connection();
      await upstream.until("one");
      upstream.write(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n\r\n3\r\nuno\r\n`);
      await client.until("uno");
      client.write("3\r\ntwo\r\n0\r\n\r\n");
      await upstream.until("two");
      upstream.write("3\r\ndos\r\n0\r\n\r\n");
      await client.until(/dos\r\n0\r\n\r\n$/);
    },
  },
  ...(["content-length", "chunks"] as const).map((way): ConformanceCase => ({
    section: "RFC 9112 6",
    title: `carries a megabyte with ${way} both ways`,
    async run(lab) {
      const body = "0123456789abcdef".repeat(MEGABYTE / 16);
      const framed = way === "chunks" ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
      const field = way === "chunks" ? CHUNKED : `content-length: ${body.length}`;
      lab.answer = undefined;
      const client = await lab.send(lab.request("POST /x", [field], framed));
      const upstream = await lab.connection();
      const isWhole = (text: string): boolean => text.length > body.length && contentOf(text).length === body.length;
      await upstream.until(isWhole, "all of it");
      demand(contentOf(upstream.text) === body, "changed the request's");
      upstream.write(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n${framed}`);
      await client.until(isWhole, "all of it");
      demand(contentOf(client.text) === body, "changed the answer's");
    },
  })),
  {
    section: "list",
    title: "holds the upstream back while the client does not read",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x"));
      client.socket.pause();
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      const size = 64 * MEGABYTE;
      upstream.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      upstream.socket.write(Buffer.alloc(size));
      await aWhile(800);
      demand(upstream.socket.writableLength > size / 4, "took tens of megabytes that nobody read");
    },
  },
  {
    section: "list",
    title: "holds the client back while the upstream does not read",
    async run(lab) {
      lab.answer = undefined;
      const size = 64 * MEGABYTE;
      const client = await lab.send(lab.request("POST /x", [`content-length: ${size}`]));
      const upstream = await lab.connection();
      upstream.socket.pause();
      client.socket.write(Buffer.alloc(size));
      await aWhile(800);
      demand(client.socket.writableLength > size / 4, "took tens of megabytes that nobody read");
    },
  },
  {
    section: "list",
    title: "ends the upstream's request when the client leaves before the answer",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x"));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      client.socket.resetAndDestroy();
      await upstream.ended();
    },
  },
  {
    section: "list",
    title: "ends the upstream's request when the client leaves in the answer",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x"));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      upstream.write(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n\r\n4\r\nhalf\r\n`);
      await client.until("half");
      client.socket.resetAndDestroy();
      const more = setInterval(() => upstream.write("4\r\nmore\r\n"), 20);
      await upstream.ended().finally(() => clearInterval(more));
    },
  },
  {
    section: "RFC 9112 8; list",
    title: "ends the upstream's request, unfinished, when the client leaves in its body",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("POST /x", [CHUNKED], "4\r\nhalf\r\n"));
      const upstream = await lab.connection();
      await upstream.until("half");
      client.socket.resetAndDestroy();
      demand(!(await upstream.ended()).endsWith("\r\n0\r\n\r\n"), "finished the request for the client");
    },
  },
  {
    section: "RFC 9112 9.3.1; RFC 9110 9.2.2",
    title: "sends a GET again when a kept connection turns out to have ended",
    async run(lab) {
      const client = await lab.send(lab.request("GET /one"));
      await client.until(/ok$/);
      client.take();
      let requests = 0;
      lab.answer = (peer) => {
        requests += 1;
        // As a server does whose time for idle connections ended at this moment.
        if (requests === 1 && lab.connections.length === 1) peer.socket.resetAndDestroy();
        else peer.write(OK);
      };
      client.write(lab.request("GET /two"));
      await client.until(/^HTTP\/1\.1 200[^]*ok$/);
    },
  },
  {
    section: "RFC 9110 9.2.2",
    title: "never sends a POST again that the upstream may have had",
    async run(lab) {
      const client = await lab.send(lab.request("GET /one"));
      await client.until(/ok$/);
      lab.answer = (peer) => peer.socket.resetAndDestroy();
      client.take();
      client.write(lab.request("POST /two", ["content-length: 2"], "hi"));
      await client.settled(/^HTTP\/1\.1 \d{3}/);
      await aWhile(50);
      demand(lab.requests.filter((request) => request.startsWith("POST")).length <= 1, "sent it twice");
      demand(client.isOver || hasStatus(client.text, "5\\d\\d"), "did not tell the client");
    },
  },
  {
    section: "RFC 9112 9.6",
    title: "closes when the client asks for it",
    async run(lab) {
      const client = await lab.send(lab.request("GET /x", ["connection: close"]));
      await client.until(/ok$/);
      await client.ended();
    },
  },
];
