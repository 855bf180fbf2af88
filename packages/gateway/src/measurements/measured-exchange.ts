import type { RequestError } from "@aibos/domain";
import type { Exchange, ExchangeFailure } from "../exchange.ts";

const FAILURES: Readonly<Record<ExchangeFailure, RequestError>> = {
  // A version was chosen, and still the gateway had to answer: none of its processes took the request.
  refused: "unreachable",
  unreachable: "unreachable",
  timeout: "timeout",
  broken: "broken",
  "client-gone": "clientGone",
  cut: "cut",
};

/** How an exchange that a version was chosen for went wrong; undefined when it did not. */
export function requestErrorOf({ failure, status = 0 }: Exchange): RequestError | undefined {
  if (failure !== undefined) return FAILURES[failure];
  if (status >= 500) return "server";
  return status >= 400 ? "client" : undefined;
}

/**
 * How long the version took, in milliseconds: to the headers of its answer, since the rest depends on the client's line
 * and on how long the answer is; to its failure, where it gave none. Undefined where nobody knows: the client left.
 */
export function latencyOf({ failure, times }: Exchange): number | undefined {
  if (times.answer !== undefined) return times.answer;
  if (failure === "client-gone" || failure === "cut" || times.held === undefined) return undefined;
  return times.total - times.held;
}
