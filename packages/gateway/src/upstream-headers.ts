import type { IncomingMessage } from "node:http";
import { TENANT_CONTEXT_HEADER } from "@aibos/contract";
import { endToEndHeaders } from "./hop-by-hop.ts";

/** What the gateway tells a module about a request, besides what the client sent. */
export interface ForwardedFacts {
  readonly requestId: string;
  readonly context: string;
  readonly prefix: string;
  /** The host that the client asked for. */
  readonly host: string;
  readonly trustForwarded: boolean;
}

const REPLACED: ReadonlySet<string> = new Set(["host", "expect", "x-request-id", "x-forwarded-prefix"]);
const FORWARDED: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
]);
/** Also with underscores: many servers make `X_AIBOS_CONTEXT` and `X-AIBOS-CONTEXT` the same variable. */
const RESERVED = /^x[-_]aibos[-_]/;

/**
 * The raw header list for the module. Dropped: what ends at this hop, `x-aibos-*`, `expect` (undici refuses it; the
 * gateway answers 100 itself), `host` (the upstream's own is set), and the forwarding facts unless they are trusted.
 */
export function upstreamHeaders(request: IncomingMessage, facts: ForwardedFacts): string[] {
  const headers = endToEndHeaders(
    request.rawHeaders,
    (name) => REPLACED.has(name) || RESERVED.test(name) || FORWARDED.has(name),
  );
  const trusted = (name: string): string => {
    const value = facts.trustForwarded ? request.headers[name] : undefined;
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  };
  const peer = request.socket.remoteAddress ?? "unknown";
  const before = trusted("x-forwarded-for");
  headers.push(
    "x-forwarded-for",
    before === "" ? peer : `${before}, ${peer}`,
    "x-forwarded-proto",
    trusted("x-forwarded-proto") || "http",
    "x-forwarded-host",
    trusted("x-forwarded-host") || facts.host,
    "x-request-id",
    facts.requestId,
    TENANT_CONTEXT_HEADER,
    facts.context,
  );
  if (facts.prefix !== "") headers.push("x-forwarded-prefix", facts.prefix);
  if (trusted("forwarded") !== "") headers.push("forwarded", trusted("forwarded"));
  return headers;
}
