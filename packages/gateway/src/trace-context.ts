import type { IncomingMessage } from "node:http";
import { randomHex } from "./random-hex.ts";

/** A request's place in a distributed trace (W3C Trace Context, level 1). */
export interface TraceContext {
  readonly traceId: string;
  /** What the module gets as `traceparent`. */
  readonly parent: string;
  /** What the module gets as `tracestate`; vendors' business, passed on as it is. */
  readonly state: string | undefined;
  /** Whether it begins here. */
  readonly isNew: boolean;
}

const PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The trace that the client began, as it is: without OpenTelemetry the gateway is no span of it. Without one, or with one that the
 * specification calls invalid, a new trace begins, and a stale `tracestate` ends. `share`, from 0 to 1, of the new traces
 * ask to be recorded by those who follow: as the trace's id says, so that others can come to the same choice.
 */
export function traceContextOf(headers: IncomingMessage["headers"], share: number): TraceContext {
  const given = headers["traceparent"];
  const match = typeof given === "string" ? PARENT.exec(given) : null;
  // Version 00 has nothing after its flags; later versions may.
  if (match !== null && (match[1] !== "00" || match[5] === undefined)) {
    const state = headers["tracestate"];
    return {
      traceId: match[2] ?? "",
      parent: match[0],
      state: Array.isArray(state) ? state.join(",") : state,
      isNew: false,
    };
  }
  const traceId = randomHex(16);
  const isSampled = Number.parseInt(traceId.slice(-8), 16) < share * 2 ** 32;
  const parent = `00-${traceId}-${randomHex(8)}-${isSampled ? "01" : "00"}`;
  return { traceId, parent, state: undefined, isNew: true };
}
