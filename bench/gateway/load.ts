import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CLIENT_FRAME, SERVER_FRAME, type Subject, TRAFFIC } from "./traffic.ts";

// The benchmark's clients, in a process of their own: as many connections as the subject wants, each with one request
// under way. They write bytes that are ready and count the answers' bytes: a client that parses HTTP would take longer
// for it than some of the proxies. The first answer of each connection is looked at in full.

/** One turn of one proxy. */
export interface LoadOrder {
  readonly host: string;
  readonly port: number;
  /** What every path begins with. */
  readonly prefix: string;
  readonly subject: Subject;
  /** Milliseconds before anything counts, and while it does. */
  readonly warmUp: number;
  readonly measured: number;
}

/** `begins` is said when the time that counts begins, `ends` after it. */
export type LoadNews =
  | { readonly type: "begins" }
  | { readonly type: "ends"; readonly requests: number; readonly seconds: number }
  | { readonly type: "failed"; readonly message: string };

const END = Buffer.from("\r\n\r\n");
const say = (news: LoadNews): void => void process.send?.(news);

process.on("message", (order: LoadOrder) => {
  run(order).catch((error: unknown) => say({ type: "failed", message: String(error) }));
});
process.once("disconnect", () => process.exit());

async function run(order: LoadOrder): Promise<void> {
  const { connections } = TRAFFIC[order.subject];
  const counter = { answers: 0, failure: undefined as string | undefined };
  const sockets: Socket[] = [];
  try {
    for (let number = 0; number < connections; number += 1) {
      const socket = connect({ host: order.host, port: order.port, noDelay: true });
      sockets.push(socket);
      socket.on("error", (error) => (counter.failure ??= error.message));
      socket.on("end", () => (counter.failure ??= "the proxy ended a connection"));
      await once(socket, "connect");
    }
    for (const [number, socket] of sockets.entries()) {
      if (order.subject === "messages") sendMessages(socket, order, counter);
      else sendRequests(socket, number, order, counter);
    }
    await sleep(order.warmUp);
    say({ type: "begins" });
    const [before, begun] = [counter.answers, performance.now()];
    await sleep(order.measured);
    const [requests, seconds] = [counter.answers - before, (performance.now() - begun) / 1_000];
    if (counter.failure !== undefined) throw new Error(counter.failure);
    say({ type: "ends", requests, seconds });
  } finally {
    for (const socket of sockets) socket.removeAllListeners("end").destroy();
  }
}

interface Counter {
  answers: number;
  failure: string | undefined;
}

function sendRequests(socket: Socket, number: number, order: LoadOrder, counter: Counter): void {
  const { method, path, requestBytes, answerBytes } = TRAFFIC[order.subject];
  const length = requestBytes === 0 ? "" : `content-type: text/plain\r\ncontent-length: ${requestBytes}\r\n`;
  const head = `${method} ${order.prefix}${path} HTTP/1.1\r\nhost: ${order.host}:${order.port}\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64) bench\r\naccept: */*\r\naccept-encoding: gzip, br\r\nx-user-id: user-${number}\r\n${length}\r\n`;
  const request = Buffer.concat([Buffer.from(head), Buffer.alloc(requestBytes, "r")]);
  let isFirst = true;
  /** Bytes of the answer's body that are still to come; -1 while its head is. */
  let left = -1;
  let rest = "";
  const next = (): void => {
    left = -1;
    counter.answers += 1;
    socket.write(request);
  };
  socket.on("data", (part: Buffer) => {
    if (left > 0) {
      left -= part.length;
      if (left === 0) next();
      return;
    }
    const whole = rest === "" ? part : Buffer.concat([Buffer.from(rest, "latin1"), part]);
    const end = whole.indexOf(END);
    rest = end === -1 ? whole.toString("latin1") : "";
    if (end === -1) return;
    if (isFirst || whole[9] !== 0x32) {
      const said = whole.toString("latin1", 0, end);
      const isGood =
        said.startsWith("HTTP/1.1 200 ") && new RegExp(`^content-length: ${answerBytes}\r?$`, "im").test(said);
      if (!isGood) counter.failure ??= `the proxy answered ${said}`;
      isFirst = false;
    }
    left = answerBytes - (whole.length - end - END.length);
    if (left === 0) next();
    else if (left < 0) counter.failure ??= "an answer was longer than its length";
  });
  socket.write(request);
}

function sendMessages(socket: Socket, order: LoadOrder, counter: Counter): void {
  socket.write(
    `GET ${order.prefix}${TRAFFIC.messages.path} HTTP/1.1\r\nhost: ${order.host}:${order.port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  let head: string | undefined = "";
  let came = 0;
  socket.on("data", (part: Buffer) => {
    if (head !== undefined) {
      head += part.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      if (!head.startsWith("HTTP/1.1 101 ") || !head.endsWith("\r\n\r\n"))
        counter.failure ??= `the proxy answered ${head}`;
      head = undefined;
      socket.write(CLIENT_FRAME);
      return;
    }
    came += part.length;
    if (came < SERVER_FRAME.length) return;
    came -= SERVER_FRAME.length;
    counter.answers += 1;
    socket.write(CLIENT_FRAME);
  });
}
