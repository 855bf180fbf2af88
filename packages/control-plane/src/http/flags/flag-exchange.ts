import type { IncomingMessage, ServerResponse } from "node:http";
import type { FlagKeyHolder } from "../../features/feature-flags/flag-keys.ts";

/** One request for flags, and its answer. Without a framework: single evaluations are many, and small. */
export interface FlagExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
}

const LIMIT_BYTES = 256 * 1024;

// Keys are in a header that a page must set itself, never in a cookie: any origin may ask.
const HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, retry-after",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};
/** The same as a list, with JSON's type, which Node writes as it is. */
const JSON_HEADERS = [...Object.entries(HEADERS).flat(), "content-type", "application/json; charset=utf-8"];

export function answerJson(
  { response }: Pick<FlagExchange, "response">,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const fields = [...JSON_HEADERS, "content-length", String(Buffer.byteLength(body))];
  for (const name in headers) fields.push(name, headers[name] ?? "");
  response.writeHead(status, fields);
  response.end(body);
}

export function answerEmpty(
  { response }: Pick<FlagExchange, "response">,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...HEADERS, ...headers });
  response.end();
}

/** What a failure is called in the protocol. */
export function answerFailure(
  exchange: FlagExchange,
  status: number,
  failure: { key?: string; errorCode: string; errorDetails: string },
  headers: Readonly<Record<string, string>> = {},
): void {
  answerJson(exchange, status, JSON.stringify(failure), headers);
}

export function openEventStream({ response }: FlagExchange): void {
  response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" });
  response.write("retry: 1000\n\n");
}

/** The key of a request: `authorization: Bearer …` or `x-api-key`. */
export function keyOf({ request }: FlagExchange): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) return /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  const key = request.headers["x-api-key"];
  return typeof key === "string" ? key : undefined;
}

/**
 * Reads a body; undefined when it is too large. By events: iterating over a stream costs more than all the rest of an
 * evaluation.
 */
export function readText(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isWhole = false;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > LIMIT_BYTES) return resolve(undefined);
      return chunks.push(chunk);
    });
    request.once("end", () => {
      isWhole = true;
      const [only] = chunks;
      const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
      resolve(whole.toString("utf8"));
    });
    request.once("error", reject);
    // Of a reader who left in the middle.
    request.once("close", () => {
      if (!isWhole) reject(new Error("The request ended before its body did."));
    });
  });
}

export type TenantHolder = Extract<FlagKeyHolder, { kind: "tenant" }>;
