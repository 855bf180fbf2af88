import type { ExchangeFailure } from "./exchange.ts";
import type { GatewayProblem } from "./problem.ts";

/** The code of a failed connection or request, such as ECONNREFUSED or CONNECTION_CLOSED. */
export function failureCodeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** A connection that ended before anything was answered: perhaps idle for too long, perhaps a process that ended. */
export function isLostConnection(error: Error): boolean {
  return ["CONNECTION_CLOSED", "ECONNRESET", "EPIPE"].includes(failureCodeOf(error));
}

/** The request could not be written as it is: that tells nothing about the upstream. */
export function isFaultOfRequest(error: Error): boolean {
  return failureCodeOf(error) === "REQUEST_INVALID";
}

/** What this gateway ran out of, or could not look up: that tells nothing about the upstream's health either. */
const OWN_FAULTS: ReadonlySet<string> = new Set([
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "POOL_FULL",
  "POOL_TIMEOUT",
]);

export function isFaultOfGateway(error: Error): boolean {
  return OWN_FAULTS.has(failureCodeOf(error));
}

/** How measurements and logs call it. `reached` is whether the request got a connection. */
export function exchangeFailureOf(error: Error, reached: boolean): ExchangeFailure {
  switch (failureCodeOf(error)) {
    case "HEADERS_TIMEOUT":
    case "BODY_TIMEOUT":
    case "ETIMEDOUT":
      return "timeout";
    default:
      return reached ? "broken" : "unreachable";
  }
}

/** What the client is told when no upstream gave an answer. Where upstreams are is nobody's business outside. */
export function upstreamProblem(error: Error): GatewayProblem {
  switch (failureCodeOf(error)) {
    case "REQUEST_INVALID":
      return { code: "AIBOS_GATEWAY_REQUEST_INVALID", detail: "The request's path or a header field is not valid." };
    case "POOL_FULL":
    case "POOL_TIMEOUT":
      return {
        code: "AIBOS_GATEWAY_UPSTREAM_BUSY",
        detail:
          "All connections to the module are busy, and as many requests as can wait are waiting. Try again later.",
        retryAfterSeconds: 1,
      };
    case "HEADERS_TIMEOUT":
    case "BODY_TIMEOUT":
    case "CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return { code: "AIBOS_GATEWAY_UPSTREAM_TIMEOUT", detail: "The module did not answer in time." };
    default:
      return { code: "AIBOS_GATEWAY_UPSTREAM_FAILED", detail: "The module could not be reached, or broke off." };
  }
}
