import { UpstreamError } from "./upstream-error.ts";

/** How the end of an answer's content is told (RFC 9112, 6.3). */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunks" }
  | { readonly kind: "close" };

export interface AnswerHead {
  readonly status: number;
  readonly text: string;
  /** Raw header list. */
  readonly headers: string[];
  readonly framing: Framing;
  /** Milliseconds that the connection may be idle afterwards; 0 when it ends with this answer. */
  readonly idleMs: number;
}

/** What an upstream that says nothing about it is trusted to keep an idle connection for. */
const IDLE_MS = 4_000;
/** What is taken off the time that it says: the request needs some of it for its way. */
const IDLE_MARGIN_MS = 1_000;
const LONGEST_IDLE_MS = 600_000;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What may be in no field: half a line's end, and control characters (RFC 9110, 5.5). */
// oxlint-disable-next-line no-control-regex
const STRAY = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;

/**
 * Reads a head without its empty line, as latin1. Strict where two readers could take an answer for different ones: an
 * answer that can be doubted is refused, not repaired.
 *
 * @param toHead whether the request's method was HEAD
 * @throws UpstreamError ANSWER_INVALID
 */
export function readAnswerHead(head: string, toHead: boolean): AnswerHead {
  if (hasStray(head)) throw invalid("a stray line end or control character");
  const lines = head.split("\r\n");
  const match = STATUS_LINE.exec(lines[0] ?? "");
  if (match === null) throw invalid("no status line");
  const status = Number(match[2]);
  const isOld = match[1] === "0";
  const headers: string[] = [];
  let length: number | undefined;
  let coding: string | undefined;
  let closes = isOld;
  let idleMs = IDLE_MS;
  for (let index = 1; index < lines.length; index += 1) {
    const [name, value] = readField(lines[index] ?? "");
    // By their lengths: most fields are none of these.
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) throw invalid("an unusable Content-Length");
      length = Number(value);
    } else if (name.length === 17 && name.toLowerCase() === "transfer-encoding") {
      coding = coding === undefined ? value : `${coding}, ${value}`;
    } else if (name.length === 10 && name.toLowerCase() === "connection") {
      closes ||= /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value);
    } else if (name.length === 10 && name.toLowerCase() === "keep-alive") {
      const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
      if (seconds !== undefined) idleMs = Number(seconds) * 1_000 - IDLE_MARGIN_MS;
    }
    headers.push(name, value);
  }
  // Other codings end at this hop too: the client would not know of them.
  if (coding !== undefined && (isOld || coding.toLowerCase() !== "chunked"))
    throw invalid("an unusable Transfer-Encoding");
  if (coding !== undefined && length !== undefined) throw invalid("a Content-Length beside its Transfer-Encoding");
  const framing = framingOf({ status, toHead, length, isChunked: coding !== undefined });
  const isReusable = !closes && framing.kind !== "close" && idleMs > 0;
  return { status, text: match[3] ?? "", headers, framing, idleMs: isReusable ? Math.min(idleMs, LONGEST_IDLE_MS) : 0 };
}

/** Whether there is something in lines that may be in none. */
export function hasStray(lines: string): boolean {
  return STRAY.test(lines);
}

/** @throws UpstreamError ANSWER_INVALID */
export function readField(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  // A space before the colon, or a line that goes on from the one before, is no name.
  if (!TOKEN.test(name)) throw invalid("an unreadable field");
  let start = colon + 1;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return [name, line.slice(start, end)];
}

export function invalid(what: string): UpstreamError {
  return new UpstreamError("ANSWER_INVALID", `The upstream's answer has ${what}.`);
}

function framingOf(about: {
  status: number;
  toHead: boolean;
  length: number | undefined;
  isChunked: boolean;
}): Framing {
  const { status, toHead, length, isChunked } = about;
  if (toHead || status < 200 || status === 204 || status === 304) return { kind: "none" };
  if (isChunked) return { kind: "chunks" };
  return length === undefined ? { kind: "close" } : { kind: "length", bytes: length };
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
