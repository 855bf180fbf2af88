import type { IncomingMessage } from "node:http";
import type { GatewaySettings } from "./gateway-options.ts";
import type { GatewayProblem } from "./problem.ts";

/** RFC 3986, 3.2.2 and 3.2.3, without the user's name and password: those have no place in Host. */
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:\d*)?$/;

const INVALID = "AIBOS_GATEWAY_REQUEST_INVALID";

/** What is wrong with a request that Node's parser took; undefined when it may go on. */
export function requestFault(
  request: IncomingMessage,
  settings: Pick<GatewaySettings, "maxHeaderFields" | "maxBodyBytes">,
): GatewayProblem | undefined {
  const { rawHeaders, headers } = request;
  if (rawHeaders.length > settings.maxHeaderFields * 2) {
    return { code: "AIBOS_GATEWAY_HEADERS_TOO_LARGE", detail: "The request has too many header fields." };
  }
  if (request.httpVersionMajor === 2) {
    const authority = headers[":authority"];
    if (authority !== undefined && headers.host !== undefined && authority !== headers.host) {
      return { code: INVALID, detail: "The request names two hosts, in :authority and in Host." };
    }
  } else {
    let hosts = 0;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? "";
      if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
    }
    if (hosts > 1) return { code: INVALID, detail: "The request has two Host fields." };
    const coding = headers["transfer-encoding"];
    if (coding !== undefined && request.httpVersion === "1.0") {
      return { code: INVALID, detail: "HTTP/1.0 knows no Transfer-Encoding." };
    }
    // Another coding would be passed on without its name (RFC 9112, 6.1).
    if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
      return { code: INVALID, detail: "The only Transfer-Encoding that is understood is chunked." };
    }
  }
  if (headers.host !== undefined && !AUTHORITY.test(headers.host)) {
    return { code: INVALID, detail: "The Host field is no host." };
  }
  const { maxBodyBytes } = settings;
  if (maxBodyBytes !== undefined && Number(headers["content-length"] ?? 0) > maxBodyBytes)
    return bodyTooLarge(maxBodyBytes);
  return undefined;
}

export function bodyTooLarge(limit: number): GatewayProblem {
  return { code: "AIBOS_GATEWAY_BODY_TOO_LARGE", detail: `The request's body is larger than ${limit} bytes.` };
}
