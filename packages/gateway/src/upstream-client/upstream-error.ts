/**
 * - `REQUEST_INVALID`: the request can't be written as HTTP/1.1
 * - `POOL_FULL`, `POOL_TIMEOUT`: it was not sent, since all connections were busy: with no room to wait, or for too long
 * - `CONNECT_TIMEOUT`, `HEADERS_TIMEOUT`, `BODY_TIMEOUT`: which of its times the upstream let pass
 * - `CONNECTION_CLOSED`: it ended the connection before its answer's end
 * - `ANSWER_INVALID`: what it sent is no answer
 */
export type UpstreamErrorCode =
  | "REQUEST_INVALID"
  | "POOL_FULL"
  | "POOL_TIMEOUT"
  | "CONNECT_TIMEOUT"
  | "HEADERS_TIMEOUT"
  | "BODY_TIMEOUT"
  | "CONNECTION_CLOSED"
  | "ANSWER_INVALID";

/** A request that got no answer, or none to its end. Errors of the socket come as they are. */
export class UpstreamError extends Error {
  readonly code: UpstreamErrorCode;

  constructor(code: UpstreamErrorCode, message: string) {
    super(message);
    this.name = "UpstreamError";
    this.code = code;
  }
}
