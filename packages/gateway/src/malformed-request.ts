import type { GatewayProblem } from "./problem.ts";
import { failureCodeOf } from "./upstream-failure.ts";

/** What a client is told whose request could not be read. */
export function malformedProblem(error: Error): GatewayProblem {
  switch (failureCodeOf(error)) {
    case "HPE_HEADER_OVERFLOW":
      return { code: "AIBOS_GATEWAY_HEADERS_TOO_LARGE", detail: "The request's header fields are too large." };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { code: "AIBOS_GATEWAY_REQUEST_TIMEOUT", detail: "The request did not arrive in time." };
    default:
      return { code: "AIBOS_GATEWAY_REQUEST_INVALID", detail: "The request is not valid HTTP." };
  }
}
