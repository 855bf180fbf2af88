import { type AnswerHead, hasStray, invalid, readAnswerHead, readField } from "./answer-head.ts";

/** Hears of an answer's parts as they come. */
export interface AnswerSink {
  /** Also of informational answers, which others follow. */
  head(head: AnswerHead): void;
  data(part: Buffer): void;
  end(trailers: string[]): void;
}

/** A chunk's size in hexadecimal, and extensions, which end at this hop. */
const CHUNK_LINE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const MAX_CHUNK_LINE = 1_024;
const HEAD_END = "\r\n\r\n";
const HEAD_START = "HTTP/1.";

/**
 * Reads answers of HTTP/1.1 (RFC 9112) from a connection, one at a time:
 *
 *   idle ──begin──▶ head ──▶ length │ close                        ──▶ idle
 *                   ▲  │1xx  size ──▶ chunk ──▶ break ─┐
 *                   └──┘      ▲  └─0─▶ trailers        │
 *                             └────────────────────────┘
 */
export class AnswerParser {
  readonly #sink: AnswerSink;
  readonly #maxHeadBytes: number;
  #state: "idle" | "head" | "length" | "close" | "size" | "chunk" | "break" | "trailers" = "idle";
  #toHead = false;
  /** Bytes of content, or of the chunk, that are still to come. */
  #left = 0;
  /** A head or line of which some is there. */
  #partial = "";
  #trailers: string[] = [];
  #trailerBytes = 0;

  /** @param maxHeadBytes what a head, and all trailers together, may have */
  constructor(sink: AnswerSink, maxHeadBytes: number) {
    this.#sink = sink;
    this.#maxHeadBytes = maxHeadBytes;
  }

  get isIdle(): boolean {
    return this.#state === "idle";
  }

  /** An answer is expected. `toHead`: to a request whose method is HEAD. */
  begin(toHead: boolean): void {
    this.#state = "head";
    this.#toHead = toHead;
    this.#partial = "";
  }

  /** @throws UpstreamError ANSWER_INVALID, also for what comes when nothing is expected */
  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "head":
          at = this.#readHead(bytes, at);
          break;
        case "length":
        case "chunk":
          at = this.#readContent(bytes, at);
          break;
        case "close":
          this.#sink.data(at === 0 ? bytes : bytes.subarray(at));
          return;
        case "idle":
          throw invalid("something after its end");
        case "size":
        case "break":
        case "trailers":
          at = this.#readLine(bytes, at);
      }
    }
  }

  /** The connection ended. Whether that was in order: what tells the end of some answers. */
  finish(): boolean {
    if (this.#state === "close") this.#end();
    return this.#state === "idle";
  }

  #readHead(bytes: Buffer, at: number): number {
    const before = this.#partial.length;
    let text: string;
    let next: number;
    const end = before === 0 ? bytes.indexOf(HEAD_END, at, "latin1") : -1;
    if (end !== -1) {
      text = bytes.toString("latin1", at, end);
      next = end + HEAD_END.length;
    } else {
      this.#partial += bytes.toString("latin1", at);
      const found = this.#partial.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length + 1));
      if (found === -1) {
        // What speaks another protocol waits for an end that never comes.
        if (!HEAD_START.startsWith(this.#partial.slice(0, HEAD_START.length))) throw invalid("no status line");
        if (this.#partial.length > this.#maxHeadBytes) throw invalid("too large a head");
        return bytes.length;
      }
      text = this.#partial.slice(0, found);
      next = at + found + HEAD_END.length - before;
      this.#partial = "";
    }
    if (text.length > this.#maxHeadBytes) throw invalid("too large a head");
    this.#begun(readAnswerHead(text, this.#toHead));
    return next;
  }

  #begun(head: AnswerHead): void {
    // Nobody asked for an upgrade here.
    if (head.status === 101) throw invalid("status 101");
    const { framing } = head;
    this.#sink.head(head);
    if (head.status < 200) return;
    if (framing.kind === "chunks") this.#state = "size";
    else if (framing.kind === "close") this.#state = "close";
    else if (framing.kind === "length" && framing.bytes > 0) {
      this.#state = "length";
      this.#left = framing.bytes;
    } else this.#end();
  }

  #readContent(bytes: Buffer, at: number): number {
    const next = Math.min(bytes.length, at + this.#left);
    this.#left -= next - at;
    this.#sink.data(at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next));
    if (this.#left === 0) {
      if (this.#state === "chunk") this.#state = "break";
      else this.#end();
    }
    return next;
  }

  #readLine(bytes: Buffer, at: number): number {
    const feed = bytes.indexOf(0x0a, at);
    const next = feed === -1 ? bytes.length : feed + 1;
    this.#partial += bytes.toString("latin1", at, next);
    if (this.#partial.length > (this.#state === "trailers" ? this.#maxHeadBytes : MAX_CHUNK_LINE)) {
      throw invalid("too long a line");
    }
    if (feed === -1) return next;
    const line = this.#partial.slice(0, -2);
    if (hasStray(this.#partial)) throw invalid("a stray line end or control character");
    this.#partial = "";
    this.#lineRead(line);
    return next;
  }

  #lineRead(line: string): void {
    if (this.#state === "break") {
      if (line !== "") throw invalid("a chunk that is longer than its size");
      this.#state = "size";
    } else if (this.#state === "size") {
      const size = CHUNK_LINE.exec(line)?.[1];
      if (size === undefined) throw invalid("an unreadable chunk size");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailers" : "chunk";
    } else if (line === "") this.#end();
    else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > this.#maxHeadBytes) throw invalid("too many trailers");
      this.#trailers.push(...readField(line));
    }
  }

  #end(): void {
    const trailers = this.#trailers;
    if (trailers.length > 0) this.#trailers = [];
    this.#trailerBytes = 0;
    this.#state = "idle";
    this.#sink.end(trailers);
  }
}
