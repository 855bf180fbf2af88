import type { Attempt } from "./forward.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";

/** Statuses of a process that can't do its work at the moment; a 500 is its answer to that one request. */
const UNABLE: ReadonlySet<number> = new Set([502, 503, 504]);

/** Tells an upstream's health how a try at it went. */
export function sawAttempt(watch: UpstreamWatch, { upstream, failure, status }: Attempt, at: number): void {
  if (upstream.watched === undefined) return;
  const isUnable = failure !== undefined || (status !== undefined && UNABLE.has(status));
  const kind = failure === "unreachable" ? "unreachable" : isUnable ? "failed" : "answered";
  watch.saw(upstream.watched, { kind, at });
}
