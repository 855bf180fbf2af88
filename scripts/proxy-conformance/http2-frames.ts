import type { RawPeer } from "./raw-peer.ts";

// As little of HTTP/2 (RFC 9113) and HPACK (RFC 7541) as it takes to say what no library would.

const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, window: 8 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

function frame(type: number, flags: number, stream: number, payload: Buffer): string {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]).toString("latin1");
}

/** Fields as literals that nobody is to remember, without Huffman's code (RFC 7541, 6.2.2). */
function fieldBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length > 126) throw new RangeError("Longer texts need more than one byte for their length.");
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** The preface and settings that begin a connection. */
export const HTTP2_PREFACE =
  PREFACE + frame(TYPE.settings, 0, 0, Buffer.alloc(0)) + frame(TYPE.settings, ACK, 0, Buffer.alloc(0));

export function headersFrame(fields: readonly (readonly [string, string])[], end: boolean, stream = 1): string {
  return frame(TYPE.headers, END_HEADERS | (end ? END_STREAM : 0), stream, fieldBlock(fields));
}

export function dataFrame(body: string, end: boolean, stream = 1): string {
  return frame(TYPE.data, end ? END_STREAM : 0, stream, Buffer.from(body, "latin1"));
}

export function resetFrame(stream = 1): string {
  return frame(TYPE.reset, 0, stream, Buffer.from([0, 0, 0, 8]));
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

function framesOf(peer: RawPeer): Frame[] {
  const bytes = Buffer.from(peer.text, "latin1");
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const [type = 0, flags = 0] = [bytes[at + 3], bytes[at + 4]];
    frames.push({
      type,
      flags,
      stream: bytes.readUInt32BE(at + 5) & 0x7f_ff_ff_ff,
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

/** What a stream came to: how it ended, and its content so far. */
export interface StreamOutcome {
  /** "open" while nothing ended it. A connection that is closed has ended all of its streams. */
  readonly end: "open" | "whole" | "reset" | "gone";
  /** Whether the head's first field is one of the static table's :status 400, 404 or 500, or a literal 4xx or 5xx. */
  readonly isError: boolean;
  readonly content: string;
}

export function outcomeOf(peer: RawPeer, stream = 1): StreamOutcome {
  const frames = framesOf(peer);
  const own = frames.filter((one) => one.stream === stream);
  const head = own.find(({ type }) => type === TYPE.headers)?.payload ?? Buffer.alloc(0);
  const isWhole = own.some(
    ({ type, flags }) => (type === TYPE.data || type === TYPE.headers) && (flags & END_STREAM) !== 0,
  );
  const isReset = own.some(({ type }) => type === TYPE.reset);
  const isGone =
    peer.isOver || frames.some(({ type, payload }) => type === TYPE.goAway && payload.readUInt32BE(4) !== 0);
  return {
    end: isReset ? "reset" : isWhole ? "whole" : isGone ? "gone" : "open",
    isError: isErrorStatus(head),
    content: Buffer.concat(own.filter(({ type }) => type === TYPE.data).map(({ payload }) => payload)).toString(
      "latin1",
    ),
  };
}

/** :status as an index of the static table (RFC 7541, A: 12 is 400, 13 is 404, 14 is 500), or as a literal of index 8. */
function isErrorStatus(head: Buffer): boolean {
  const first = head[0] ?? 0;
  if (first >= 0x8c && first <= 0x8e) return true;
  const isLiteral = first === 0x48 || first === 0x08 || first === 0x18;
  const [length = 0, digit = 0] = [head[1], head[2]];
  if (!isLiteral) return false;
  // In Huffman's code, digits 4 and 5 begin with 011010 and 011011 (RFC 7541, B).
  return length >= 0x80 ? [0b011010, 0b011011].includes(digit >> 2) : [0x34, 0x35].includes(digit);
}
