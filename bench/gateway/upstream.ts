import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { CLIENT_FRAME, SERVER_FRAME, TRAFFIC } from "./traffic.ts";

// The benchmark's upstream, in a process of its own: it tells its port to whoever forked it. It answers from bytes that
// are ready, and looks for no more of a request than its path and its end, so that the proxies are what is measured.

const END = Buffer.from("\r\n\r\n");
const HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncache-control: no-store\r\nserver: upstream\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
const answerOf = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from(`${HEAD}content-length: ${bytes}\r\n\r\n`), Buffer.alloc(bytes, "a")]);
const SMALL = answerOf(TRAFFIC.small.answerBytes);
const LARGE = answerOf(TRAFFIC.download.answerBytes);

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes of a request's body that are still to come; Infinity for chunks, which end with an empty one. */
  let body = 0;
  socket.on("data", function take(part: Buffer) {
    if (body === Number.POSITIVE_INFINITY) {
      if (part.subarray(-5).toString("latin1") !== "0\r\n\r\n") return;
      body = 0;
      socket.write(SMALL);
      return;
    }
    if (body > 0) {
      body -= part.length;
      if (body <= 0) socket.write(SMALL);
      return;
    }
    const all = rest.length === 0 ? part : Buffer.concat([rest, part]);
    const end = all.indexOf(END);
    rest = end === -1 ? all : Buffer.alloc(0);
    if (end === -1) return;
    const method = all[0];
    if (method === 0x50) {
      const head = all.toString("latin1", 0, end);
      const length = /content-length: *(\d+)/i.exec(head)?.[1];
      body = length === undefined ? Number.POSITIVE_INFINITY : Number(length) - (all.length - end - END.length);
      if (body <= 0) socket.write(SMALL);
      return;
    }
    // "GET /s" of the sockets and of the small answers: the letter after tells them apart.
    const letter = all.toString("latin1", 5, 7);
    if (letter === "so") {
      socket.off("data", take);
      openWebSocket(socket, all.toString("latin1", 0, end), all.subarray(end + END.length));
    } else socket.write(letter === "la" ? LARGE : SMALL);
  });
});

function openWebSocket(socket: Socket, head: string, early: Buffer): void {
  const key = /sec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  let came = 0;
  const take = (part: Buffer): void => {
    came += part.length;
    for (; came >= CLIENT_FRAME.length; came -= CLIENT_FRAME.length) socket.write(SERVER_FRAME);
  };
  socket.on("data", take);
  if (early.length > 0) take(early);
}

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});
process.once("disconnect", () => process.exit());
