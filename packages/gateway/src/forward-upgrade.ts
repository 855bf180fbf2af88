import { type IncomingMessage, request as httpRequest, STATUS_CODES } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import { awakeTimeout } from "./awake-clock.ts";
import { type AnswerFacts, clientHeaders } from "./client-headers.ts";
import type { ExchangeRecord } from "./exchange.ts";
import { type Attempt, NO_UPSTREAM } from "./forward.ts";
import type { GatewaySettings } from "./gateway-options.ts";
import { sendProblemOnSocket } from "./problem.ts";
import { exchangeFailureOf, upstreamProblem } from "./upstream-failure.ts";
import type { Upstream } from "./upstream-pools.ts";

/** One request for an upgrade. */
export interface UpgradeJob {
  /** Filled in on the way; whoever began it ends it. */
  readonly exchange: ExchangeRecord;
  readonly socket: Duplex;
  /** What the client sent after its request's headers. */
  readonly head: Buffer;
  /** The protocols that the client offers to speak from now on. */
  readonly protocols: readonly string[];
  /** Called when the tunnel opens, right before the socket is read. */
  readonly opening: () => void;
  readonly path: string;
  readonly headers: string[];
  readonly answer: AnswerFacts;
  readonly limits: Pick<GatewaySettings, "upstreamHeadersTimeout" | "upstreamConnectTimeout" | "tunnelIdleTimeout">;
  readonly next: (tried: ReadonlySet<Upstream>) => Upstream | undefined;
  /** Called at the end of every try, before the next one. */
  readonly attempted: (attempt: Attempt) => void;
  readonly failed: (error: Error) => void;
}

/**
 * Asks the upstream for the upgrade. Only a real 101 opens the tunnel; any other answer is passed on and ends the
 * connection, or a client could send further requests through it past the gateway's checks.
 */
export function forwardUpgrade(job: UpgradeJob, tried = new Set<Upstream>(), before?: Error): void {
  const { socket, exchange, limits } = job;
  const upstream = job.next(tried);
  if (upstream === undefined) {
    if (before !== undefined) exchange.failed(exchangeFailureOf(before, false));
    sendProblemOnSocket(socket, before === undefined ? NO_UPSTREAM : upstreamProblem(before), exchange);
    return;
  }
  tried.add(upstream);
  exchange.upstream = upstream.url.href;
  const { url } = upstream;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const outgoing = send({
    agent: false,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: upstream.basePath + job.path,
    headers: ["host", url.host, ...job.headers, "connection", "Upgrade", "upgrade", job.protocols.join(", ")],
  });
  const abandon = (): void => {
    outgoing.destroy();
  };
  let connected = false;
  let answered = false;
  socket.once("close", abandon);
  const giveUp = (): void => void outgoing.destroy(timeoutError());
  let stopWaiting = awakeTimeout(limits.upstreamConnectTimeout, giveUp);
  outgoing.once("close", () => stopWaiting());
  outgoing.once("socket", (connection) =>
    connection.once("connect", () => {
      connected = true;
      stopWaiting();
      stopWaiting = awakeTimeout(limits.upstreamHeadersTimeout, giveUp);
    }),
  );
  outgoing.once("upgrade", (answer: IncomingMessage, tunnel: Socket, head: Buffer) => {
    stopWaiting();
    exchange.answered(101);
    job.attempted({ upstream, failure: undefined, status: 101 });
    socket.off("close", abandon);
    const protocol = answer.headers.upgrade ?? job.protocols[0] ?? "";
    socket.write(`${renderHead(answer, job.answer)}connection: Upgrade\r\nupgrade: ${protocol}\r\n\r\n`, "latin1");
    join(socket, tunnel, exchange);
    job.opening();
    tunnel.setTimeout(limits.tunnelIdleTimeout, () => {
      // Both sides' bytes pass here: a silence is one of both.
      exchange.failed("cut");
      tunnel.destroy();
    });
    tunnel.setNoDelay(true);
    exchange.sent += head.length;
    exchange.received += job.head.length;
    socket.write(head);
    tunnel.write(job.head);
    tunnel.on("data", (part: Buffer) => (exchange.sent += part.length));
    socket.on("data", (part: Buffer) => (exchange.received += part.length));
    tunnel.pipe(socket);
    socket.pipe(tunnel);
  });
  outgoing.once("response", (answer) => {
    answered = true;
    stopWaiting();
    outgoing.setTimeout(limits.upstreamHeadersTimeout, giveUp);
    exchange.answered(answer.statusCode ?? 502);
    job.attempted({ upstream, failure: undefined, status: answer.statusCode });
    socket.write(`${renderHead(answer, job.answer)}connection: close\r\n\r\n`, "latin1");
    join(socket, answer, exchange);
    answer.on("data", (part: Buffer) => (exchange.sent += part.length));
    answer.pipe(socket);
  });
  outgoing.on("error", (error) => {
    socket.off("close", abandon);
    if (socket.destroyed) return;
    if (answered) {
      exchange.failed("broken");
      socket.destroy();
      return;
    }
    job.attempted({ upstream, failure: exchangeFailureOf(error, connected), status: undefined });
    if (!connected) return forwardUpgrade(job, tried, error);
    exchange.failed(exchangeFailureOf(error, true));
    job.failed(error);
    sendProblemOnSocket(socket, upstreamProblem(error), exchange);
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
function join(socket: Duplex, other: Duplex | IncomingMessage, exchange: ExchangeRecord): void {
  other.on("error", () => socket.destroy());
  other.once("close", () => {
    // A side that ended in order is let finish what was written to it.
    if (other.readableEnded) {
      socket.end();
      return;
    }
    if (!socket.destroyed) exchange.failed("broken");
    // A reset: the end of the connection may be the only end that an answer has.
    if (socket instanceof Socket) socket.resetAndDestroy();
    else socket.destroy();
  });
  socket.once("close", () => other.destroy());
}

function timeoutError(): Error {
  return Object.assign(new Error("The upstream did not answer in time."), { code: "ETIMEDOUT" });
}
