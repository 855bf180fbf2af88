import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { beginAnswer, isGone } from "./client-answer.ts";
import type { ExchangeRecord } from "./exchange.ts";

/** Everything that the gateway itself answers instead of a module, with its HTTP status. */
export const GATEWAY_PROBLEMS = {
  AIBOS_GATEWAY_REQUEST_INVALID: 400,
  AIBOS_GATEWAY_TENANT_SUSPENDED: 403,
  AIBOS_GATEWAY_ROUTE_UNKNOWN: 404,
  AIBOS_GATEWAY_REQUEST_TIMEOUT: 408,
  AIBOS_GATEWAY_BODY_TOO_LARGE: 413,
  AIBOS_GATEWAY_HEADERS_TOO_LARGE: 431,
  AIBOS_GATEWAY_UPSTREAM_FAILED: 502,
  AIBOS_GATEWAY_NO_UPSTREAM: 503,
  AIBOS_GATEWAY_UPSTREAM_BUSY: 503,
  AIBOS_GATEWAY_HELD: 503,
  AIBOS_GATEWAY_HOLD_FULL: 503,
  AIBOS_GATEWAY_STOPPING: 503,
  AIBOS_GATEWAY_UPSTREAM_TIMEOUT: 504,
} as const;

/** For how long a refused connection is kept, so that its client can read why. */
const LINGER_MS = 1_000;

export type GatewayProblemCode = keyof typeof GATEWAY_PROBLEMS;

export interface GatewayProblem {
  readonly code: GatewayProblemCode;
  readonly detail: string;
  readonly retryAfterSeconds?: number;
}

/** Answers with a problem (RFC 9457). Does nothing when an answer has begun. */
export function sendProblem(response: ServerResponse, problem: GatewayProblem, exchange: ExchangeRecord): void {
  if (response.headersSent || isGone(response)) return;
  const { status, headers, body } = renderProblem(problem, exchange.requestId);
  exchange.refused(problem.code, status);
  beginAnswer(response, status, STATUS_CODES[status] ?? "", headers);
  response.end(body);
}

/** The same on a bare socket, where there is no response object: upgrades, and without exchange what can't be parsed. */
export function sendProblemOnSocket(socket: Duplex, problem: GatewayProblem, exchange?: ExchangeRecord): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = renderProblem(problem, exchange?.requestId ?? "-");
  exchange?.refused(problem.code, status);
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}\r\n`] : []));
  // A client that never ends its own side does not keep the connection. What it still sends is read, or it would be
  // reset before it got the answer.
  const limit = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(limit));
  socket.removeAllListeners("readable").resume();
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}connection: close\r\n\r\n${body}`);
}

function renderProblem(problem: GatewayProblem, requestId: string) {
  const status = GATEWAY_PROBLEMS[problem.code];
  const body = JSON.stringify({
    type: "about:blank",
    title: STATUS_CODES[status],
    status,
    detail: problem.detail,
    code: problem.code,
    requestId,
  });
  const headers = [
    "content-type",
    "application/problem+json",
    "content-length",
    String(Buffer.byteLength(body)),
    "cache-control",
    "no-store",
    "x-request-id",
    requestId,
  ];
  if (problem.retryAfterSeconds !== undefined) headers.push("retry-after", String(problem.retryAfterSeconds));
  return { status, headers, body };
}
