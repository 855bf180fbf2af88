import { constants, Http2ServerResponse } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";

// The places where an answer over HTTP/2 differs from one over HTTP/1.1. Node's compatibility layer gives both the same
// shape; the listener passes both as ServerResponse.

function http2Of(response: ServerResponse): Http2ServerResponse | undefined {
  const answer: unknown = response;
  return answer instanceof Http2ServerResponse ? answer : undefined;
}

/** Whether nobody can be told anything any more. */
export function isGone(response: ServerResponse): boolean {
  return http2Of(response)?.stream.destroyed ?? response.destroyed;
}

/** Whether an answer that is closed went out to its end. */
export function wentOut(response: ServerResponse): boolean {
  const answer = http2Of(response);
  if (answer === undefined) return response.writableFinished;
  return answer.writableEnded && answer.stream.rstCode === constants.NGHTTP2_NO_ERROR;
}

/** Sets what follows the answer's body; `trailers` is a raw header list. */
export function addTrailers(response: ServerResponse, trailers: readonly string[]): void {
  // As an object: the compatibility layer takes no list.
  if (trailers.length > 0) response.addTrailers(fieldsOf(trailers));
}

/** Fields by name, with the values of those that come more than once put together. */
function fieldsOf(raw: readonly string[]): Record<string, string> {
  const fields = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const before = fields.get(name);
    fields.set(name, before === undefined ? (raw[index + 1] ?? "") : `${before}, ${raw[index + 1] ?? ""}`);
  }
  return Object.fromEntries(fields);
}

/** Sets the answer's head; it goes out with the first part of the body, or when it is flushed. */
export function beginAnswer(response: ServerResponse, status: number, text: string, headers: string[]): void {
  const answer = http2Of(response);
  if (answer === undefined) {
    response.writeHead(status, text, headers);
    return;
  }
  for (let index = 0; index + 1 < headers.length; index += 2) {
    answer.appendHeader((headers[index] ?? "").toLowerCase(), headers[index + 1] ?? "");
  }
  answer.writeHead(status);
}

/**
 * Has `cut` called when the client takes nothing, for so many milliseconds, of what waits for it. Whoever takes some of
 * it, however little, begins anew: that is what Node's own timeouts of connections and streams know.
 */
export function limitSilence(response: ServerResponse, milliseconds: number, cut: () => void): SilenceLimit {
  const timed = http2Of(response)?.stream ?? response;
  timed.on("timeout", cut);
  return {
    start: () => void timed.setTimeout(milliseconds),
    stop: () => void timed.setTimeout(0),
  };
}

/** To be started when something waits for the client, and stopped when nothing does. */
export interface SilenceLimit {
  start(): void;
  stop(): void;
}

/** A body up to this size goes out in one piece with the head: one write instead of two is most of what it costs. */
const ONE_PIECE_BYTES = 8 * 1024;

/** Ends the answer, with the last part of its body if there is one. */
export function endAnswer(response: ServerResponse, last: Buffer | undefined): void {
  if (last === undefined) response.end();
  // Node puts a string behind the head that waits, byte for byte, and a buffer beside it.
  else if (last.length <= ONE_PIECE_BYTES && http2Of(response) === undefined)
    response.end(last.toString("latin1"), "latin1");
  else response.end(last);
}

/**
 * Passes an informational answer on (RFC 9110, 15.2). 100 is the gateway's own to say, and 101 is an upgrade. A client
 * of HTTP/1.0 knows none of them.
 */
export function informClient(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: readonly string[],
): void {
  if (status <= 101 || request.httpVersion === "1.0" || response.headersSent || isGone(response)) return;
  const { connection: _hop, "transfer-encoding": _coding, ...fields } = fieldsOf(headers);
  try {
    if (typeof response.writeInformation === "function") response.writeInformation(status, fields);
    else if (status === 103 && fields["link"] !== undefined) response.writeEarlyHints({ link: fields["link"] });
  } catch {
    // A hint is only a hint: one that Node finds unreadable is left out, and the answer itself follows.
  }
}

/**
 * Ends an answer in the middle so that the client can't take it for whole: a reset, where the end of the connection is
 * the only end that the answer has (RFC 9112, 8).
 */
export function breakOff(request: IncomingMessage, response: ServerResponse): void {
  const answer = http2Of(response);
  if (answer !== undefined) {
    // Not `close`, which lets what waits for the client go out first. The error is told to the request, too.
    request.on("error", () => undefined);
    answer.stream.destroy(new Error("The answer was broken off."));
    return;
  }
  if (request.httpVersion === "1.0") request.socket.resetAndDestroy();
  response.destroy();
}
