import type { IncomingMessage } from "node:http";

/** HTTP in another shape. A tunnel of it would take requests past every check of the gateway. */
const HTTP_ITSELF = /^(h2c?|http\/.*|tls\/.*)$/i;

/**
 * The protocols that a request may be upgraded to, as the client lists them (RFC 9110, 7.8); empty for an ordinary
 * request. An offer that is not taken leaves an ordinary request: some clients offer HTTP/2 with every one. An upgrade
 * has no body, and HTTP/1.0 knows none.
 */
export function offeredProtocols(request: IncomingMessage): string[] {
  const { headers, method, httpVersion } = request;
  if (headers.upgrade === undefined || method !== "GET" || httpVersion !== "1.1") return [];
  if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0) return [];
  return headers.upgrade
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "" && !HTTP_ITSELF.test(protocol));
}
