import type { IncomingMessage } from "node:http";
import { TENANT_CONTEXT_HEADER } from "@aibos/contract";
import { forwardedElement, peerOf } from "./forwarding-facts.ts";
import { endToEndHeaders } from "./hop-by-hop.ts";
import type { TraceContext } from "./trace-context.ts";
import { endToEndTrailers } from "./trailers.ts";

/** What the gateway tells a module about a request, besides what the client sent. */
export interface ForwardedFacts {
  readonly requestId: string;
  readonly context: string;
  readonly prefix: string;
  /** The host that the client asked for. */
  readonly host: string;
  readonly trustForwarded: boolean;
  readonly trace: TraceContext;
}

/** Set anew below, or by the client of the next hop. */
const REPLACED: ReadonlySet<string> = new Set([
  "host",
  "expect",
  "x-request-id",
  "x-forwarded-prefix",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "traceparent",
  "tracestate",
  "via",
  "max-forwards",
]);
/** Also with underscores: many servers make `X_AIBOS_CONTEXT` and `X-AIBOS-CONTEXT` the same variable. */
const RESERVED = /^x[-_]aibos[-_]/;

/**
 * The raw header list for the module. Dropped: what ends at this hop, `x-aibos-*`, `expect` (the
 * gateway answers 100 itself), `host` (the upstream's own is set), and the forwarding facts unless they are trusted.
 */
export function upstreamHeaders(request: IncomingMessage, facts: ForwardedFacts): string[] {
  const isHttp2 = request.httpVersionMajor === 2;
  const headers = endToEndHeaders(
    request.rawHeaders,
    (name) =>
      isOurs(name) ||
      // Pseudo-fields end here, and the crumbs of a cookie become one again (RFC 9113, 8.3 and 8.2.3).
      (isHttp2 && (name.startsWith(":") || name === "cookie")),
  );
  const given = (name: string): string => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  };
  const trusted = (name: string): string => (facts.trustForwarded ? given(name) : "");
  const peer = peerOf(request.socket);
  if (isHttp2 && request.headers.cookie !== undefined) headers.push("cookie", request.headers.cookie);
  headers.push(
    "via",
    after(given("via"), `${request.httpVersionMajor === 2 ? "2" : request.httpVersion} aibos`),
    "x-forwarded-for",
    after(trusted("x-forwarded-for"), peer.address),
    "x-forwarded-proto",
    trusted("x-forwarded-proto") || peer.scheme,
    "x-forwarded-host",
    trusted("x-forwarded-host") || facts.host,
    "forwarded",
    after(trusted("forwarded"), forwardedElement(peer, facts.host)),
    "x-request-id",
    facts.requestId,
    "traceparent",
    facts.trace.parent,
    TENANT_CONTEXT_HEADER,
    facts.context,
  );
  if (facts.trace.state !== undefined) headers.push("tracestate", facts.trace.state);
  if (facts.prefix !== "") headers.push("x-forwarded-prefix", facts.prefix);
  const hops = request.headers["max-forwards"];
  if (typeof hops === "string" && /^[1-9]\d{0,8}$/.test(hops)) headers.push("max-forwards", String(Number(hops) - 1));
  return headers;
}

/** The raw list of trailer fields for the module, once the request's body has ended. */
export function upstreamTrailers(request: IncomingMessage): string[] {
  return endToEndTrailers(request.rawTrailers, isOurs);
}

/** Whether a field says what the gateway says to modules. */
function isOurs(name: string): boolean {
  return REPLACED.has(name) || (name.startsWith("x") && RESERVED.test(name));
}

function after(before: string, last: string): string {
  return before === "" ? last : `${before}, ${last}`;
}
