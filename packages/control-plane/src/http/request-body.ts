import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { InvalidRequestError, TooLargeError } from "@aibos/contract";

const unzip = promisify(gunzip);

/** JSON bodies may have at most so many bytes. */
export const JSON_LIMIT_BYTES = 1024 * 1024;

/** Reads a body whole, and stops as soon as it is too large. @throws TooLargeError */
export async function readBody(request: Request, limitBytes: number): Promise<Buffer> {
  // A length that was told saves reading; one that was not, or is a lie, is found while reading.
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw new TooLargeError(limitBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limitBytes) throw new TooLargeError(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Reads a JSON body, gzipped or not; undefined when there is none. @throws InvalidRequestError, TooLargeError */
export async function readJson(request: Request, limitBytes: number): Promise<unknown> {
  const body = await decoded(await readBody(request, limitBytes), request.headers.get("content-encoding"), limitBytes);
  if (body.length === 0) return undefined;
  // A browser's form can't send this type without asking first.
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw refusal('the body must be JSON, sent with "content-type: application/json"');
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw refusal(
      `the body is not JSON in UTF-8 (${error instanceof Error ? error.message.slice(0, 120) : "unknown"})`,
    );
  }
}

async function decoded(body: Buffer, encoding: string | null, limitBytes: number): Promise<Buffer> {
  if (encoding === null || encoding === "identity") return body;
  if (encoding !== "gzip") throw refusal('the body must be sent as it is, or with "content-encoding: gzip"');
  try {
    return await unzip(body, { maxOutputLength: limitBytes });
  } catch (error) {
    // A small body may hold a very large one.
    if (error instanceof RangeError) throw new TooLargeError(limitBytes);
    throw refusal("the body is not gzipped, although it says so");
  }
}

function refusal(message: string): InvalidRequestError {
  return new InvalidRequestError([{ path: "", message }]);
}
