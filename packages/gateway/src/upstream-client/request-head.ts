import { UpstreamError } from "./upstream-error.ts";

/** Methods whose requests have content as a rule, so that its absence is said (RFC 9110, 8.6). */
const WITH_CONTENT: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
/** What would end a line, or become something else when it is written as latin1. */
const UNWRITABLE_PATH = /[^\x21-\x7e\x80-\xff]/;
const UNWRITABLE_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** A request's head as text, and its content's length: null for chunks, and 0 for none. */
export interface RequestHead {
  readonly text: string;
  readonly length: number | null;
}

/**
 * Writes a request's head for an upstream. The names of fields are those that were read from a request: they are tokens.
 *
 * @param headers raw header list, without what concerns the connection
 * @throws UpstreamError REQUEST_INVALID
 */
export function writeRequestHead(about: {
  method: string;
  path: string;
  host: string;
  headers: readonly string[];
  hasBody: boolean;
}): RequestHead {
  const { method, path, host, headers, hasBody } = about;
  if (UNWRITABLE_PATH.test(path)) throw new UpstreamError("REQUEST_INVALID", "The request's path can't be written.");
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  let given: number | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const value = headers[index + 1] ?? "";
    requireWritable(name, value);
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      // The same length twice is one that a client may send, and a second reader may doubt.
      if (given !== undefined) continue;
      given = Number(value);
    }
    text += `${name}: ${value}\r\n`;
  }
  if (!hasBody) {
    if (given === undefined && WITH_CONTENT.has(method)) text += "content-length: 0\r\n";
    return { text: `${text}\r\n`, length: 0 };
  }
  if (given !== undefined) return { text: `${text}\r\n`, length: given };
  return { text: `${text}transfer-encoding: chunked\r\n\r\n`, length: null };
}

/**
 * Writes the end of a request's chunks, with its trailer fields.
 *
 * @throws UpstreamError REQUEST_INVALID
 */
export function writeLastChunk(trailers: readonly string[]): string {
  let text = "0\r\n";
  for (let index = 0; index + 1 < trailers.length; index += 2) {
    const [name = "", value = ""] = [trailers[index], trailers[index + 1]];
    requireWritable(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function requireWritable(name: string, value: string): void {
  if (UNWRITABLE_VALUE.test(value)) throw new UpstreamError("REQUEST_INVALID", `The field ${name} can't be written.`);
}
