import { createHash } from "node:crypto";
import { aWhile, type ConformanceCase, demand, fieldOf, hasStatus } from "../conformance-case.ts";
import type { Laboratory } from "../laboratory.ts";

const WEBSOCKET = [
  "connection: Upgrade",
  "upgrade: websocket",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version: 13",
];
/** The upstream's yes to a handshake (RFC 6455, 4.2.2): a proxy may ask with a key of its own. */
function switchTo(request: string): string {
  const key = `${fieldOf(request, "sec-websocket-key")}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
}

async function tunnel(lab: Laboratory, early = "", greeting = "") {
  lab.answer = undefined;
  const client = await lab.send(lab.request("GET /x", WEBSOCKET) + early);
  const upstream = await lab.connection();
  await upstream.until("\r\n\r\n");
  upstream.write(switchTo(upstream.text) + greeting);
  await client.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
  return { client, upstream };
}

export const UPGRADES: readonly ConformanceCase[] = [
  {
    section: "RFC 6455 4.1; RFC 9110 7.8",
    title: "passes a WebSocket's handshake on, both ways",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      demand(/\bupgrade\b/i.test(fieldOf(upstream.text, "connection") ?? ""), "sent no Connection: Upgrade");
      demand(fieldOf(upstream.text, "upgrade")?.toLowerCase() === "websocket", "sent no Upgrade");
      demand(fieldOf(upstream.text, "sec-websocket-key") !== undefined, "sent no key");
      demand(fieldOf(client.text, "sec-websocket-accept") === "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "lost the accepting");
      demand(/\bupgrade\b/i.test(fieldOf(client.text, "connection") ?? ""), "gave no Connection: Upgrade");
      demand(fieldOf(client.text, "upgrade")?.toLowerCase() === "websocket", "gave no Upgrade");
    },
  },
  {
    section: "RFC 6455 1.2, 5",
    title: "carries any bytes both ways after it",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      client.write("\x81\x85\0\xff\0\xffhello");
      await upstream.until("\x81\x85\0\xff\0\xffhello");
      upstream.write("\x82\x05\0\xff\r\n\0");
      await client.until("\x82\x05\0\xff\r\n\0");
    },
  },
  {
    section: "RFC 6455 4.1; list",
    title: "loses nothing that the client sends with its handshake",
    async run(lab) {
      const { upstream } = await tunnel(lab, "early");
      await upstream.until("early");
    },
  },
  {
    section: "RFC 6455 4.1; list",
    title: "loses nothing that the upstream sends with its handshake",
    async run(lab) {
      const { client } = await tunnel(lab, "", "greeting");
      await client.until("greeting");
    },
  },
  {
    section: "RFC 6455 4.2.2; RFC 9110 7.8",
    title: "passes a refusal on, and opens no tunnel",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x", WEBSOCKET));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      upstream.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
      await client.until(/^HTTP\/1\.1 403 [^]*no/);
      upstream.take();
      const next = "GET /smuggled HTTP/1.1\r\nhost: x\r\nconnection: x-hop\r\n\r\n";
      client.write(next);
      await aWhile();
      demand(upstream.text !== next, "passed what came then on without a look");
    },
  },
  {
    section: "RFC 6455 7.1.1",
    title: "ends the upstream's connection when the client's ends",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      client.socket.end();
      await upstream.ended();
    },
  },
  {
    section: "RFC 6455 7.1.1; list",
    title: "ends the client's connection when the upstream's ends, after what it sent last",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      upstream.write("\x88\x02\x03\xe8");
      upstream.socket.end();
      demand((await client.ended()).endsWith("\x88\x02\x03\xe8"), "lost the last frame");
    },
  },
  {
    section: "RFC 6455 7.1.7; list",
    title: "ends the client's connection when the upstream's is reset",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      upstream.socket.resetAndDestroy();
      await client.ended();
    },
  },
  {
    section: "RFC 6455 7.1.7; list",
    title: "ends the upstream's connection when the client's is reset",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      client.socket.resetAndDestroy();
      await upstream.ended();
    },
  },
  {
    section: "RFC 6455 5.4; list",
    title: "carries 4 MB through the tunnel",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      upstream.take();
      client.socket.write(Buffer.alloc(4 * 1024 * 1024, 65));
      await upstream.until((text) => text.length === 4 * 1024 * 1024, "4 MB");
    },
  },
  {
    section: "list",
    title: "holds a tunnel's sender back while the other side does not read",
    async run(lab) {
      const { client, upstream } = await tunnel(lab);
      client.socket.pause();
      const size = 64 * 1024 * 1024;
      upstream.socket.write(Buffer.alloc(size));
      await aWhile(800);
      demand(upstream.socket.writableLength > size / 4, "took tens of megabytes that nobody read");
    },
  },
  {
    section: "RFC 9110 7.8; list",
    title: "carries an upgrade to another protocol",
    async run(lab) {
      lab.answer = undefined;
      const client = await lab.send(lab.request("GET /x", ["connection: Upgrade", "upgrade: chat"]));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      upstream.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: chat\r\n\r\nhi");
      await client.until(/^HTTP\/1\.1 101 [^]*hi$/);
      client.write("there");
      await upstream.until("there");
    },
  },
  {
    section: "RFC 9110 7.8; list",
    title: "opens no tunnel of plain HTTP/2",
    async run(lab) {
      const offer = ["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"];
      lab.answer = (peer, request) =>
        peer.write(
          /^upgrade: *h2c/im.test(request)
            ? "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n"
            : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        );
      const client = await lab.send(lab.request("GET /x", offer));
      const answer = await client.settled(/^HTTP\/1\.1 \d{3}/);
      demand(!hasStatus(answer, "101"), "opened it");
    },
  },
  {
    section: "RFC 9110 7.8",
    title: "takes an Upgrade without Connection for none",
    async run(lab) {
      const client = await lab.send(lab.request("GET /x", ["upgrade: websocket"]));
      await client.until(/^HTTP\/1\.1 200/);
      demand(fieldOf(await lab.firstRequest(), "upgrade") === undefined, "passed it on");
    },
  },
  {
    section: "RFC 9110 7.8",
    title: "takes no notice of an Upgrade in HTTP/1.0",
    async run(lab) {
      lab.answer = (peer, request) =>
        peer.write(
          /^upgrade:/im.test(request) && !/HTTP\/1\.0\r/.test(request)
            ? switchTo(request)
            : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        );
      const client = await lab.send(lab.request("GET /x HTTP/1.0", WEBSOCKET));
      demand(!hasStatus(await client.settled(/^HTTP\/1\.1 \d{3}/), "101"), "opened a tunnel");
    },
  },
];
