/**
 * How a request that a version was chosen for went wrong. Each request has one class at most:
 * - `client`: the version answered 4xx: the request was wrong, or the version thinks so
 * - `server`: the version answered 5xx
 * - `unreachable`: there was no process of the version, or no connection to one
 * - `timeout`: a process did not answer, or not go on, in time
 * - `broken`: a process broke off, before its answer or in the middle of it
 * - `clientGone`: the client left before the end
 * - `cut`: the gateway ended it, because its route changed or the gateway stopped
 */
export const REQUEST_ERRORS = ["client", "server", "unreachable", "timeout", "broken", "clientGone", "cut"] as const;
export type RequestError = (typeof REQUEST_ERRORS)[number];

/** Requests by how they went wrong. */
export type RequestErrors = Readonly<Record<RequestError, number>>;

/** Those that a version is to blame for. A client's mistake or leaving, and what the gateway ended, are not. */
export const VERSION_FAILURES = ["server", "unreachable", "timeout", "broken"] as const satisfies RequestError[];

/** How many requests failed through their version. */
export function failedRequests(errors: RequestErrors): number {
  return VERSION_FAILURES.reduce((sum, name) => sum + errors[name], 0);
}
