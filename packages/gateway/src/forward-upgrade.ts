import { type IncomingMessage, request as httpRequest, STATUS_CODES } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { type AnswerFacts, clientHeaders } from "./client-headers.ts";
import { NO_UPSTREAM } from "./forward.ts";
import { sendProblemOnSocket } from "./problem.ts";
import { upstreamProblem } from "./upstream-failure.ts";
import type { Upstream } from "./upstream-pools.ts";

/** One request for a WebSocket. */
export interface UpgradeJob {
  readonly socket: Duplex;
  /** What the client sent after its request's headers. */
  readonly head: Buffer;
  /** Called when the tunnel opens, right before the socket is read. */
  readonly opening: () => void;
  readonly path: string;
  readonly headers: string[];
  readonly answer: AnswerFacts;
  readonly answerTimeout: number;
  readonly next: (tried: ReadonlySet<Upstream>) => Upstream | undefined;
  readonly failed: (error: Error) => void;
}

/**
 * Asks the upstream for the upgrade. Only a real 101 opens the tunnel; any other answer is passed on and ends the
 * connection, or a client could send further requests through it past the gateway's checks.
 */
export function forwardUpgrade(job: UpgradeJob, tried = new Set<Upstream>(), before?: Error): void {
  const { socket } = job;
  const upstream = job.next(tried);
  if (upstream === undefined) {
    sendProblemOnSocket(socket, before === undefined ? NO_UPSTREAM : upstreamProblem(before), job.answer.requestId);
    return;
  }
  tried.add(upstream);
  const { url } = upstream;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const outgoing = send({
    agent: false,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: upstream.basePath + job.path,
    headers: ["host", url.host, ...job.headers, "connection", "Upgrade", "upgrade", "websocket"],
  });
  const abandon = (): void => {
    outgoing.destroy();
  };
  let connected = false;
  let answered = false;
  socket.once("close", abandon);
  outgoing.setTimeout(job.answerTimeout, () => outgoing.destroy(timeoutError()));
  outgoing.once("socket", (connection) => connection.once("connect", () => (connected = true)));
  outgoing.once("upgrade", (answer: IncomingMessage, tunnel: Duplex, head: Buffer) => {
    outgoing.setTimeout(0);
    socket.off("close", abandon);
    socket.write(`${renderHead(answer, job.answer)}connection: Upgrade\r\nupgrade: websocket\r\n\r\n`, "latin1");
    join(socket, tunnel);
    job.opening();
    socket.write(head);
    tunnel.write(job.head);
    tunnel.pipe(socket);
    socket.pipe(tunnel);
  });
  outgoing.once("response", (answer) => {
    answered = true;
    socket.write(`${renderHead(answer, job.answer)}connection: close\r\n\r\n`, "latin1");
    join(socket, answer);
    answer.pipe(socket);
  });
  outgoing.on("error", (error) => {
    socket.off("close", abandon);
    if (socket.destroyed) return;
    if (answered) {
      socket.destroy();
      return;
    }
    if (!connected) return forwardUpgrade(job, tried, error);
    job.failed(error);
    sendProblemOnSocket(socket, upstreamProblem(error), job.answer.requestId);
  });
  outgoing.end();
}

function renderHead(answer: IncomingMessage, facts: AnswerFacts): string {
  const status = answer.statusCode ?? 502;
  const headers = clientHeaders(answer.rawHeaders, facts);
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}\r\n`] : []));
  return `HTTP/1.1 ${status} ${answer.statusMessage || (STATUS_CODES[status] ?? "")}\r\n${lines.join("")}`;
}

/** When one side is gone, so is the other. */
function join(socket: Duplex, other: Duplex | IncomingMessage): void {
  other.on("error", () => socket.destroy());
  // A side that ended in order is let finish what was written to it.
  other.once("close", () => (other.readableEnded ? socket.end() : socket.destroy()));
  socket.once("close", () => other.destroy());
}

function timeoutError(): Error {
  return Object.assign(new Error("The upstream did not answer in time."), { code: "ETIMEDOUT" });
}
